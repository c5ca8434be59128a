import { join } from 'node:path';
import { type Clock, DAY, type Instant, MINUTE } from '../../keyset/basics/clock.js';
import type { WrappedKey } from '../../keyset/manifest/wrapped-key.js';
import { linkFailure, storeFailure } from '../../outside/disk-failure.js';
import {
  type Files,
  makeFolder,
  namesIn,
  readRecord,
  removeOldAsides,
  removeQuietly,
  syncFolder,
  unlessMissing,
  writeAside,
} from '../../outside/durable-files.js';
import { keyDamaged, keyDeleted, keyExists } from '../key-errors.js';
import type { DeleteOptions, StoredKeyName } from '../store.js';
import { decodeKey, encodeKey, type KeyAddress } from '../wrapped-key-record.js';

/** One wrapped key: `keys/<thumbprint>.json`, or `keys/<thumbprint>.deleted-<ms since 1970>.json` once it is deleted. */
export interface KeyPlace extends KeyAddress {
  readonly files: Files;
  readonly clock: Clock;
  /** `<store>/<keyset>/keys` */
  readonly folder: string;
}

const KEY_FILE = /^([A-Za-z0-9_-]{43})(?:\.deleted-(\d{1,15}))?\.json$/;
const ASIDE_LIFE = 10 * MINUTE;

export function keyFileOf(thumbprint: string, goneAt: Instant | null): string {
  return goneAt === null ? `${thumbprint}.json` : `${thumbprint}.deleted-${goneAt}.json`;
}

const pathOf = (place: KeyPlace): string => join(place.folder, keyFileOf(place.thumbprint, null));
const deletedPathOf = (place: KeyPlace, goneAt: Instant): string =>
  join(place.folder, keyFileOf(place.thumbprint, goneAt));

export interface KeyFile {
  readonly thumbprint: string;
  /** When its recovery window ends; null: nobody ordered its deletion. */
  readonly goneAt: Instant | null;
}

/** The wrapped keys in a folder, including those in their recovery window. */
export async function keyFilesIn(files: Files, folder: string): Promise<KeyFile[]> {
  const matches = (await namesIn(files, folder)).sort().map((name) => KEY_FILE.exec(name));
  return matches.flatMap((match) =>
    match?.[1] === undefined ? [] : { thumbprint: match[1], goneAt: match[2] === undefined ? null : Number(match[2]) },
  );
}

/** Lists each key once. If its deletion was ordered, any other file of that key counts as deleted, too. */
export async function listKeys(files: Files, keyset: string, folder: string): Promise<StoredKeyName[]> {
  try {
    const deleted = new Map<string, boolean>();
    for (const { thumbprint, goneAt } of await keyFilesIn(files, folder)) {
      deleted.set(thumbprint, goneAt !== null || deleted.get(thumbprint) === true);
    }
    return [...deleted].map(([thumbprint, isDeleted]) => ({ thumbprint, isDeleted }));
  } catch (error) {
    throw storeFailure(error, `list the keys of keyset ${keyset}`, folder, 'nothing was changed');
  }
}

/** When the orders to delete this key fall due. Usually there is one or none. */
async function ordersOf({ files, folder, thumbprint }: KeyPlace): Promise<Instant[]> {
  const found = await keyFilesIn(files, folder);
  return found.flatMap((one) => (one.thumbprint === thumbprint && one.goneAt !== null ? one.goneAt : []));
}

export async function getKey(place: KeyPlace): Promise<WrappedKey | null> {
  const path = pathOf(place);
  const text = await readRecord(place.files, path, (why) => keyDamaged(path, why)).catch((error: unknown) => {
    throw storeFailure(error, `read key ${place.thumbprint}`, path, 'nothing was changed');
  });
  return text === null ? null : decodeKey(place, text, path);
}

export async function putKey(place: KeyPlace, key: WrappedKey): Promise<void> {
  const { files, folder } = place;
  const what = `write key ${place.thumbprint}`;
  const text = `${encodeKey(place, key)}\n`;
  let failure: unknown;
  try {
    await makeFolder(files, folder);
    await refuseIfDeleted(place);
    const aside = await writeAside(files, folder, text);
    failure = await files.link(aside, pathOf(place)).then(
      () => null,
      (error: unknown) => error,
    );
    await removeQuietly(files, aside);
  } catch (error) {
    throw storeFailure(error, what, folder, 'nothing was written');
  }
  // What is there decides: perhaps only the reply to the link failed, or the same key was put before.
  const held = await getKey(place);
  if (held === null) await refuseIfDeleted(place);
  if (held === null) throw linkFailure(failure, what, folder, 'nothing was written');
  if (`${encodeKey(place, held)}\n` !== text) {
    throw keyExists(pathOf(place), `ls -l ${pathOf(place)}`);
  }
  try {
    // A deletion ordered in between was for this file or for one put before. It holds for both.
    await refuseIfDeleted(place).catch(async (error: unknown) => {
      await unlessMissing(files.unlink(pathOf(place)), undefined);
      throw error;
    });
    await syncFolder(files, folder);
    await removeOldAsides(files, folder, place.clock.now() - ASIDE_LIFE);
  } catch (error) {
    throw storeFailure(error, what, folder, 'it may not outlive a power cut');
  }
}

async function refuseIfDeleted(place: KeyPlace): Promise<void> {
  if ((await ordersOf(place)).length === 0) return;
  throw keyDeleted(pathOf(place), 'run jwtrot rotate: it makes another key');
}

/** Renames the file rather than removing it, so that an operator can undo a mistake with `mv` until the window ends. */
export async function deleteKey(place: KeyPlace, options: DeleteOptions): Promise<Instant> {
  const { files, clock } = place;
  try {
    if (options.purge) {
      const paths = [pathOf(place), ...(await ordersOf(place)).map((goneAt) => deletedPathOf(place, goneAt))];
      for (const path of paths) await unlessMissing(files.unlink(path), undefined);
      await unlessMissing(syncFolder(files, place.folder), undefined);
      return clock.now();
    }
    const goneAt = (await ordersOf(place))[0] ?? clock.now() + options.recoveryWindowDays * DAY;
    const renamed = await unlessMissing(
      files.rename(pathOf(place), deletedPathOf(place, goneAt)).then(() => true),
      false,
    );
    if (renamed) await syncFolder(files, place.folder);
    return renamed ? goneAt : ((await ordersOf(place))[0] ?? clock.now());
  } catch (error) {
    throw storeFailure(error, `delete key ${place.thumbprint}`, place.folder, 'it may still be there');
  }
}

/** True if nothing is left. Removes files whose recovery window has ended. */
export async function isKeyGone(place: KeyPlace): Promise<boolean> {
  const { files, clock } = place;
  try {
    if ((await unlessMissing(files.stat(pathOf(place)), null)) !== null) return false;
    const orders = await ordersOf(place);
    const due = orders.filter((goneAt) => goneAt <= clock.now());
    for (const goneAt of due) await unlessMissing(files.unlink(deletedPathOf(place, goneAt)), undefined);
    if (due.length > 0) await syncFolder(files, place.folder);
    return due.length === orders.length;
  } catch (error) {
    throw storeFailure(error, `look for key ${place.thumbprint}`, place.folder, 'it may still be there');
  }
}
