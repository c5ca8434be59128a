import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { JwtrotError } from '../keyset/error.js';
import type { OutletDirectory } from './directory.js';

/*
 * The mark stands beside the outlet, `.NAME.jwtrot`: the highest revision written there. It is also what is locked, so
 * its inode stays: it is written in place, in one pwrite of fixed width, less than a disk's sector.
 *
 * It is durable before the outlet itself is touched. So an empty mark (the run that made it died before it wrote) says
 * that no run has written the outlet yet. Anything else that can't be read says nothing: writing is refused.
 */

/** What a mark says; null: nothing was written under it yet. `damaged`: it can't be told. */
export type MarkContent = { readonly keyset: string; readonly revision: number } | null | 'damaged';

const WIDTH = 256;
const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;

export function markName(name: string): string {
  return `.${name}.jwtrot`;
}

export async function openMark(directory: OutletDirectory, name: string): Promise<FileHandle> {
  const handle = await open(
    `${directory.through}/${markName(name)}`,
    O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK,
    0o600,
  );
  const { nlink } = await handle.stat().then((found) => (found.isFile() ? found : { nlink: -1 }));
  if (nlink <= 1 && nlink >= 0) return handle;
  await handle.close();
  // A hard link or a device would be written to in its place.
  throw new JwtrotError(
    'refused',
    'damaged-mark',
    `${directory.path}/${markName(name)} is not a file of jwtrot's own; nothing was written`,
    {
      hint: `find out who made it, then remove it: rm ${directory.path}/${markName(name)}`,
    },
  );
}

/** True while the name leads to the open mark: somebody may have removed it between opening and locking. */
export async function isStillNamed(directory: OutletDirectory, name: string, mark: FileHandle): Promise<boolean> {
  const named = await stat(`${directory.through}/${markName(name)}`).catch(() => null);
  const opened = await mark.stat();
  return named !== null && named.ino === opened.ino && named.dev === opened.dev;
}

export async function readMark(mark: FileHandle): Promise<MarkContent> {
  const { buffer, bytesRead } = await mark.read(Buffer.alloc(WIDTH + 1), 0, WIDTH + 1, 0);
  const text = buffer.toString('utf8', 0, bytesRead);
  if (/^\0*$/.test(text)) return null; // zeros: the length reached the disk, the text did not
  try {
    const { schema, keyset, revision } = JSON.parse(text) as Record<string, unknown>;
    const sound = schema === 1 && typeof keyset === 'string' && Number.isSafeInteger(revision);
    return sound ? { keyset, revision: revision as number } : 'damaged';
  } catch {
    return 'damaged';
  }
}

export async function writeMark(mark: FileHandle, keyset: string, revision: number): Promise<void> {
  const text = `${JSON.stringify({ schema: 1, keyset, revision }).padEnd(WIDTH - 1)}\n`;
  await mark.write(text, 0);
  await mark.sync();
}

/** @throws JwtrotError when the outlet was written from a later manifest, or from another keyset's */
export function assertNotOlder(content: MarkContent, outlet: string, keyset: string, revision: number): void {
  if (content === null) return;
  const hint = 'if the store was restored from a backup: jwtrot sync --accept-older';
  if (content === 'damaged') {
    throw new JwtrotError(
      'refused',
      'damaged-mark',
      `the record beside ${outlet} is damaged: which revision it holds can't be told; nothing was written`,
      {
        hint: 'make the outlet what the store says: jwtrot sync --accept-older',
      },
    );
  }
  if (content.keyset !== keyset) {
    throw new JwtrotError(
      'refused',
      'other-keyset',
      `${outlet} was written for keyset ${content.keyset}, now it is asked to hold ${keyset}; nothing was written`,
      {
        hint: 'give each keyset outlets of its own; if this one was renamed: jwtrot sync --accept-older',
      },
    );
  }
  if (content.revision > revision) {
    throw new JwtrotError(
      'refused',
      'older-revision',
      `${outlet} was written from revision ${content.revision} of keyset ${keyset}, the store has revision ${revision}; nothing was written`,
      { hint },
    );
  }
}
