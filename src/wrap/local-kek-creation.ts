import { randomBytes } from 'node:crypto';
import { link, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { secretBytes } from '../keys/secret-bytes.js';
import { makeFolder, realFiles, syncFolder, writeNew } from '../outside/durable-files.js';
import { errnoOf } from '../outside/errno.js';
import { type KekPlace, unreadable } from './local-kek.js';
import { encodeKek, KEK_LENGTH } from './local-kek-text.js';

export interface KekCreation {
  /** A KEK from a backup, which is overwritten after use; by default a random one is made. */
  readonly kek?: Uint8Array;
  /**
   * An existing path to the KEK's directory, for root that makes a KEK for another account. Default: the directory in
   * `place`.
   */
  readonly through?: string;
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/**
 * Makes a KEK with mode 0600. It is durable before anything can be wrapped under it. It gets its name by a hard link once
 * it is complete: so one of two racing processes wins, and a kill leaves no partial KEK. The caller then reads the
 * winner's KEK.
 */
export async function createKek(place: KekPlace, { kek: given, through, owner }: KekCreation = {}): Promise<void> {
  const folder = through ?? dirname(place.path);
  const aside = join(folder, `.${basename(place.path)}-${randomBytes(12).toString('hex')}`);
  const kek = given ?? crypto.getRandomValues(secretBytes(KEK_LENGTH));
  const line = encodeKek(kek);
  kek.fill(0);
  try {
    if (through === undefined) await makeFolder(realFiles, folder);
    await writeNew(realFiles, aside, line, owner);
    await link(aside, join(folder, basename(place.path))).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error;
    });
    await unlink(aside);
    await syncFolder(realFiles, folder);
  } catch (error) {
    await unlink(aside).catch(() => undefined);
    throw unreadable(place, error, 'make');
  } finally {
    line.fill(0);
  }
}
