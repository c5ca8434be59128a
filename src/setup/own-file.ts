import { constants } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { errnoOf } from '../outside/errno.js';
import { readGuarded } from '../outside/read-file.js';
import type { Directory } from './way.js';

/** What a name holds: a file; null: nothing; `other`: nothing of setup's; `hidden`: this user may not read it. */
export type Found = FoundFile | null | 'other' | 'hidden';

export interface FoundFile {
  readonly text: string;
  readonly mode: number;
  readonly isRoots: boolean;
}

export interface Attributes {
  readonly mode: number;
  /** Default: root's. */
  readonly uid?: number;
  readonly gid?: number;
}

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
/** In bytes. What setup writes is far smaller. */
const LARGEST = 1024 * 1024;

export async function readIn(directory: Directory, name: string): Promise<Found> {
  const read = await readGuarded(`${directory.through}/${name}`, { limit: LARGEST, links: 'refuse' });
  if (read.ok) {
    const { mode, uid } = read.stats;
    return { text: read.bytes.toString('utf8'), mode: mode & 0o7777, isRoots: uid === directory.root };
  }
  const { problem } = read;
  if (problem.type === 'absent') return null;
  if (problem.type === 'denied') return 'hidden';
  if (problem.type === 'failed') throw problem.cause;
  return 'other';
}

/** Replaces a file atomically. It gets its owner and mode before its name. */
export async function replaceIn(
  directory: Directory,
  name: string,
  text: string,
  attributes: Attributes,
): Promise<void> {
  const aside = `${directory.through}/.${name}.jwtrot-setup`;
  // Left by a setup that was killed.
  await unlink(aside).catch(ifThere);
  await createIn(directory, `.${name}.jwtrot-setup`, new TextEncoder().encode(text), attributes);
  await rename(aside, `${directory.through}/${name}`);
  await directory.handle.sync();
}

/** Creates a file durably. Changes the owner of the open file itself, whatever others put in its place meanwhile. */
export async function createIn(
  directory: Directory,
  name: string,
  content: Uint8Array,
  { mode, uid = -1, gid = -1 }: Attributes,
): Promise<void> {
  const file = await open(`${directory.through}/${name}`, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    await file.writeFile(content);
    await file.chown(uid, gid);
    await file.chmod(mode); // after chown, which clears bits; overrides the umask
    await file.sync();
  } finally {
    await file.close();
  }
}

export async function removeIn(directory: Directory, name: string): Promise<void> {
  await unlink(`${directory.through}/${name}`).catch(ifThere);
  await directory.handle.sync();
}

function ifThere(error: unknown): void {
  if (errnoOf(error) !== 'ENOENT') throw error;
}
