import { join } from 'node:path';
import { type Clock, MINUTE } from '../../keyset/clock.js';
import { JwtrotError } from '../../keyset/error.js';
import { decodeManifest, encodeManifest } from '../../keyset/manifest.js';
import type { Manifest, PublicJwk } from '../../keyset/model.js';
import type { Snapshot } from '../store.js';
import { linkFailure, storeFailure } from './failure.js';
import {
  errnoOf,
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

/** Revisions of one keyset: `manifest/0000000007.json`, the highest number is the newest. */
export interface Place {
  readonly files: Files;
  readonly clock: Clock;
  readonly thumbprintOf: (jwk: PublicJwk) => Promise<string>;
  /** `<store>/<keyset>/manifest` */
  readonly folder: string;
  readonly keyset: string;
}

const REVISION = /^(\d{10})\.json$/;
/** Revisions that are kept, for people to look at. */
const KEPT_REVISIONS = 8;
/** A file aside that is older belongs to a writer that was killed. */
const ASIDE_LIFE = 10 * MINUTE;

const nameOf = (revision: number): string => `${String(revision).padStart(10, '0')}.json`;

/** The numbers of the revisions that lie in a folder, ascending. */
export async function revisionsIn(files: Files, folder: string): Promise<number[]> {
  const numbers = (await namesIn(files, folder)).flatMap((name) => REVISION.exec(name)?.[1] ?? []);
  return numbers.map(Number).sort((a, b) => a - b);
}

async function decode(place: Place, text: string, revision: number): Promise<Snapshot> {
  const path = join(place.folder, nameOf(revision));
  const manifest = await decodeManifest(text, place.keyset, path, place.thumbprintOf);
  if (manifest.revision !== revision) {
    throw new JwtrotError(
      'refused',
      'manifest-damaged',
      `${path} holds revision ${manifest.revision} of keyset ${place.keyset}; nothing was changed`,
      {
        hint: 'restore the file from a backup',
      },
    );
  }
  return { manifest, version: `${nameOf(revision)} ${manifest.commits.at(-1)?.id}` };
}

/** The newest revision or nothing: a damaged one is never passed over for the one before. */
export async function readNewest(place: Place, state = 'nothing was changed'): Promise<Snapshot | null> {
  const { files, folder } = place;
  try {
    for (let listed: number | undefined; ; ) {
      const newest = (await revisionsIn(files, folder)).at(-1);
      if (newest === undefined) return null;
      const text = await readRecord(files, join(folder, nameOf(newest)));
      if (text !== null) return await decode(place, text, newest);
      // Pruned since it was listed, so there are newer ones. If not, it is a link to nothing.
      if (newest === listed) throw new Error(`${nameOf(newest)} can't be opened`);
      listed = newest;
    }
  } catch (error) {
    throw storeFailure(error, `read keyset ${place.keyset}`, folder, state);
  }
}

/**
 * Compare-and-swap by a hard link to the next number, which fails if that name is taken. It may also be free because
 * later revisions pruned it: so the writer has won only if the newest revision, read afterwards, holds its commit's id.
 */
export async function commitRevision(
  place: Place,
  manifest: Manifest,
  base: Snapshot | null,
): Promise<Snapshot | null> {
  const { files, folder, keyset } = place;
  const id = manifest.commits.at(-1)?.id;
  if (manifest.name !== keyset || manifest.revision !== (base?.manifest.revision ?? 0) + 1 || id === undefined) {
    throw new JwtrotError(
      'refused',
      'illegal-revision',
      `revision ${manifest.revision} does not follow the one that was read of keyset ${keyset}; nothing was changed`,
    );
  }
  const text = encodeManifest(manifest);
  const mine = await decode(place, text, manifest.revision);
  const holdsMine = (newest: Snapshot | null) => newest?.manifest.commits.some((one) => one.id === id) ?? false;

  const before = await readNewest(place);
  if (holdsMine(before)) return mine;
  if (before?.version !== base?.version) return null;

  const what = `write revision ${manifest.revision} of keyset ${keyset}`;
  const state = base === null ? 'nothing was written' : `revision ${base.manifest.revision} still holds`;
  const path = join(folder, nameOf(manifest.revision));
  let aside: string;
  try {
    await makeFolder(files, folder);
    aside = await writeAside(files, folder, `${text}\n`);
  } catch (error) {
    throw storeFailure(error, what, folder, state);
  }
  const failure = await files.link(aside, path).then(
    () => null,
    (error: unknown) => error,
  );
  await removeQuietly(files, aside);
  const doubt = `revision ${manifest.revision} may have been written: run again to find out`;
  const newest = await readNewest(place, doubt);
  if (holdsMine(newest)) {
    await settle(place, manifest.revision);
    return mine;
  }
  if (failure === null) {
    // The name was free again after its pruning: what was linked there is below the newest, and nobody's.
    await removeQuietly(files, path);
    return null;
  }
  // A writer that slept too long finds its file aside cleared away, and the next revision another's.
  if (errnoOf(failure) === 'EEXIST' || newest?.version !== base?.version) return null;
  throw linkFailure(failure, what, folder, state);
}

/** After a commit that won: durable first, only then older revisions go. */
async function settle(place: Place, revision: number): Promise<void> {
  const { files, folder } = place;
  try {
    await syncFolder(files, folder);
  } catch (error) {
    throw storeFailure(
      error,
      `make revision ${revision} of keyset ${place.keyset} durable`,
      folder,
      'it is there, but may not outlive a power cut',
    );
  }
  try {
    for (const number of await revisionsIn(files, folder)) {
      if (number <= revision - KEPT_REVISIONS)
        await unlessMissing(files.unlink(join(folder, nameOf(number))), undefined);
    }
    await removeOldAsides(files, folder, place.clock.now() - ASIDE_LIFE);
  } catch {
    // The commit stands whatever becomes of old files; the next one tries again.
  }
}
