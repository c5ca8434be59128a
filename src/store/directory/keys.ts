import { join } from 'node:path';
import { type Clock, DAY, type Instant, MINUTE } from '../../keyset/clock.js';
import { JwtrotError } from '../../keyset/error.js';
import type { WrappedKey } from '../../keyset/wrapped-key.js';
import type { DeleteOptions } from '../store.js';
import { linkFailure, storeFailure } from './failure.js';
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
} from './files.js';
import { decodeKey, encodeKey, type KeyAddress } from './key-record.js';

/** One wrapped key: `keys/<thumbprint>.json`; its deletion ordered: `keys/<thumbprint>.deleted-<ms since 1970>.json`. */
export interface KeyPlace extends KeyAddress {
  readonly files: Files;
  readonly clock: Clock;
  /** `<store>/<keyset>/keys` */
  readonly folder: string;
}

const KEY_FILE = /^([A-Za-z0-9_-]{43})(?:\.deleted-(\d{1,15}))?\.json$/;
const ASIDE_LIFE = 10 * MINUTE;

const pathOf = (place: KeyPlace): string => join(place.folder, `${place.thumbprint}.json`);
const deletedPathOf = (place: KeyPlace, goneAt: Instant): string =>
  join(place.folder, `${place.thumbprint}.deleted-${goneAt}.json`);

/** True when a folder holds any wrapped key, one in its recovery window included. */
export async function holdsKey(files: Files, folder: string): Promise<boolean> {
  return (await namesIn(files, folder)).some((name) => KEY_FILE.test(name));
}

/** When the orders to delete this key fall due; usually one or none. */
async function ordersOf(place: KeyPlace): Promise<Instant[]> {
  const matches = (await namesIn(place.files, place.folder)).map((name) => KEY_FILE.exec(name));
  return matches.flatMap((match) => (match?.[1] === place.thumbprint && match[2] ? Number(match[2]) : []));
}

export async function getKey(place: KeyPlace): Promise<WrappedKey | null> {
  const path = pathOf(place);
  const text = await readRecord(place.files, path).catch((error: unknown) => {
    throw storeFailure(error, `read key ${place.thumbprint}`, path, 'nothing was changed');
  });
  return text === null ? null : decodeKey(place, text, path);
}

export async function putKey(place: KeyPlace, key: WrappedKey): Promise<void> {
  const { files, folder } = place;
  const what = `write key ${place.thumbprint}`;
  const text = encodeKey(place, key);
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
  // Decided by what is there, since the link may have failed for the reply alone, or for the same key put before.
  const held = await getKey(place);
  if (held === null) await refuseIfDeleted(place);
  if (held === null) throw linkFailure(failure, what, folder, 'nothing was written');
  if (encodeKey(place, held) !== text) {
    throw new JwtrotError(
      'refused',
      'key-exists',
      `key ${place.thumbprint} is in ${folder} already, wrapped otherwise; it was left as it is`,
    );
  }
  try {
    // An order that came in between was given to this very file or to one put before: it holds for both.
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
  throw new JwtrotError(
    'refused',
    'key-deleted',
    `the deletion of key ${place.thumbprint} was ordered; it was not stored again`,
    {
      hint: 'run jwtrot rotate: it makes another key',
    },
  );
}

/** Renamed rather than removed, so that an operator can take a mistake back with `mv` until its time has come. */
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

/** True when nothing is left; removes what has come to the end of its recovery window. */
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
