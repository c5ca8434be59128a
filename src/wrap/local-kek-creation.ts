import { randomBytes, webcrypto } from 'node:crypto';
import { link, mkdir, open, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf, type KekPlace, unreadable } from './local-kek.js';
import { encodeKek, KEK_LENGTH } from './local-kek-text.js';

/**
 * Makes a random KEK, 0600, durable before anything can be wrapped under it. Linked to its name when it is whole: one of
 * two racing creators wins, and a kill leaves no half KEK. The caller reads what is there afterwards.
 */
export async function createKek(place: KekPlace): Promise<void> {
  const folder = dirname(place.path);
  const aside = join(folder, `.${basename(place.path)}-${randomBytes(12).toString('hex')}`);
  const kek = webcrypto.getRandomValues(new Uint8Array(KEK_LENGTH));
  const line = encodeKek(kek);
  kek.fill(0);
  try {
    await makeFolder(folder);
    await writeDurably(aside, line);
    await link(aside, place.path).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error;
    });
    await unlink(aside);
    await syncFolder(folder);
  } catch (error) {
    await unlink(aside).catch(() => undefined);
    throw unreadable(place, error, 'make');
  } finally {
    line.fill(0);
  }
}

async function writeDurably(path: string, content: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** `mkdir -p` with mode 0700, each new name durable. */
async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
