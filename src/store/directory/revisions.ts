import { join } from 'node:path';
import { type Clock, MINUTE } from '../../keyset/basics/clock.js';
import { JwtrotError } from '../../keyset/basics/error.js';
import {
  decodeForReading,
  decodeManifest,
  encodeManifest,
  isDamaged,
  manifestDamaged,
} from '../../keyset/manifest/encoding.js';
import type { PublicJwk } from '../../keyset/manifest/key.js';
import { LAST_REVISION, type Manifest } from '../../keyset/manifest/model.js';
import { emptyManifest } from '../../keyset/transitions/staging.js';
import { linkFailure, storeFailure } from '../../outside/disk-failure.js';
import { makeFolder, removeOldAsides, removeQuietly, syncFolder, writeAside } from '../../outside/durable-files.js';
import { errnoOf } from '../../outside/errno.js';
import type { Salvage, Snapshot } from '../store.js';
import { foreign, nameOf, type RevisionFolder, readNewestText, readText, revisionsIn } from './revision-files.js';

/** The revisions of one keyset. */
export interface KeysetRevisions extends RevisionFolder {
  readonly clock: Clock;
  readonly thumbprintOf: (jwk: PublicJwk) => Promise<string>;
  /** What a later jwtrot added is ignored. */
  readonly reads: boolean;
}

/** How many revisions are kept, for people to look at. */
const KEPT_REVISIONS = 8;
/** An older temporary file belongs to a writer that was killed. */
const ASIDE_LIFE = 10 * MINUTE;

async function decode(revisions: KeysetRevisions, text: string, revision: number): Promise<Snapshot> {
  const path = join(revisions.folder, nameOf(revision));
  const { keyset, thumbprintOf } = revisions;
  const reading = revisions.reads
    ? decodeForReading(text, keyset, path, thumbprintOf)
    : decodeManifest(text, keyset, path, thumbprintOf).then((manifest) => ({ manifest, isWhole: true }));
  const { manifest, isWhole } = await reading.catch((error: unknown) => {
    throw foreign(error, path, revision);
  });
  // `store recover` jumps ahead, so its first revision lies under the number that was next.
  if (manifest.revision < revision) {
    throw foreign(manifestDamaged(revisions.keyset, path, `it holds revision ${manifest.revision}`), path, revision);
  }
  const version = `${nameOf(revision)} ${manifest.commits.at(-1)?.id}`;
  return isWhole ? { manifest, version } : { manifest, version, isPartial: true };
}

/** The newest revision or nothing. It never falls back from a damaged revision to the one before. */
export async function readNewest(revisions: KeysetRevisions, state = 'nothing was changed'): Promise<Snapshot | null> {
  try {
    const newest = await readNewestText(revisions);
    return newest === null ? null : await decode(revisions, newest.text, newest.revision);
  } catch (error) {
    throw storeFailure(error, `read keyset ${revisions.keyset}`, revisions.folder, state);
  }
}

/** Replaces the commit's id in the version of a damaged revision. */
const DAMAGED = 'damaged';

/** @returns null if the newest revision is not damaged */
export async function salvage(revisions: KeysetRevisions): Promise<Salvage | null> {
  const { files, folder, keyset } = revisions;
  try {
    let damage: JwtrotError | null = null;
    const numbers = await revisionsIn(files, folder);
    const revision = numbers.at(-1) ?? 0;
    const version = `${nameOf(revision)} ${DAMAGED}`;
    for (const number of numbers.toReversed()) {
      try {
        const text = await readText(revisions, number);
        if (text === null) continue;
        const { manifest } = await decode(revisions, text, number);
        return damage === null ? null : { damage, base: { manifest, version }, revision };
      } catch (error) {
        if (!isDamaged(error)) throw error;
        damage ??= error;
      }
    }
    return damage === null ? null : { damage, base: { manifest: emptyManifest(keyset), version }, revision };
  } catch (error) {
    throw storeFailure(error, `read keyset ${keyset}`, folder, 'nothing was changed');
  }
}

/** The number of the next revision. Over damaged revisions it follows the highest file name. */
function numberAfter(base: Snapshot | null): number {
  if (base === null) return 1;
  return (isOverDamage(base) ? Number.parseInt(base.version, 10) : base.manifest.revision) + 1;
}

function isOverDamage(base: Snapshot | null): boolean {
  return base?.version.endsWith(` ${DAMAGED}`) ?? false;
}

/** Blames the revision that lies there: the one after it has no file that could be moved away. */
function withoutRoom({ folder, keyset }: KeysetRevisions, { manifest, version }: Snapshot): unknown {
  const path = join(folder, nameOf(Number.parseInt(version, 10)));
  const why = `it holds revision ${manifest.revision}, and there is none after it`;
  return foreign(manifestDamaged(keyset, path, why), path, manifest.revision);
}

/** The newest revision; over damaged ones, the newest that is sound. */
async function readCurrent(
  revisions: KeysetRevisions,
  base: Snapshot | null,
  state?: string,
): Promise<Snapshot | null> {
  const salvaged = isOverDamage(base) ? await salvage(revisions) : null;
  return salvaged === null ? readNewest(revisions, state) : salvaged.base;
}

/** @returns why the text did not get that name; null: it did. Throws if the text could not even be written. */
async function linkText({ files, folder }: RevisionFolder, path: string, text: string): Promise<unknown> {
  await makeFolder(files, folder, 'as above');
  const aside = await writeAside(files, folder, `${text}\n`, 'as above');
  const failure = await files.link(aside, path).then(
    () => null,
    (error: unknown) => error,
  );
  await removeQuietly(files, aside);
  return failure;
}

/**
 * Compare-and-swap by a hard link to the next number, which fails if that name is taken. The name may also be free
 * because later revisions pruned it. So the writer has won only if the newest revision, read afterwards, holds its
 * commit's id.
 */
export async function commitRevision(
  revisions: KeysetRevisions,
  manifest: Manifest,
  base: Snapshot | null,
): Promise<Snapshot | null> {
  const { files, folder, keyset } = revisions;
  const id = manifest.commits.at(-1)?.id;
  // All writers compete for one name, even one that jumps ahead.
  const number = numberAfter(base);
  if (manifest.name !== keyset || manifest.revision < number || id === undefined) {
    const message = `revision ${manifest.revision} does not follow the one that was read of keyset ${keyset}; nothing was changed`;
    throw new JwtrotError('refused', 'illegal-revision', message);
  }
  if (base !== null && manifest.revision > LAST_REVISION) throw withoutRoom(revisions, base);
  const text = encodeManifest(manifest);
  const mine = await decode(revisions, text, number);
  const holdsMine = (newest: Snapshot | null) => newest?.manifest.commits.some((one) => one.id === id) ?? false;
  const before = await readCurrent(revisions, base);
  if (holdsMine(before)) return mine;
  if (before?.version !== base?.version) return null;
  const what = `write revision ${manifest.revision} of keyset ${keyset}`;
  const state = base === null ? 'nothing was written' : `revision ${base.manifest.revision} still holds`;
  const path = join(folder, nameOf(number));
  const failure = await linkText(revisions, path, text).catch((error: unknown) => {
    throw storeFailure(error, what, folder, state);
  });
  const doubt = `revision ${manifest.revision} may have been written: run again to find out`;
  const newest = await readCurrent(revisions, base, doubt);
  if (holdsMine(newest)) {
    await settle(revisions, number);
    return mine;
  }
  // The name was free again after pruning. What we linked there is older than the newest and belongs to nobody.
  if (failure === null) await removeQuietly(files, path);
  // A writer that slept too long finds its temporary file removed and the next revision written by another.
  if (failure === null || errnoOf(failure) === 'EEXIST' || newest?.version !== base?.version) return null;
  throw linkFailure(failure, what, folder, state);
}

/** After a commit that won: makes it durable first, and only then removes older revisions. */
async function settle(revisions: KeysetRevisions, revision: number): Promise<void> {
  const { files, folder } = revisions;
  try {
    await syncFolder(files, folder);
  } catch (error) {
    throw storeFailure(
      error,
      `make revision ${revision} of keyset ${revisions.keyset} durable`,
      folder,
      'it is there, but may not outlive a power cut',
    );
  }
  try {
    for (const number of await revisionsIn(files, folder)) {
      // A directory in place of a damaged file stays.
      if (number <= revision - KEPT_REVISIONS) await removeQuietly(files, join(folder, nameOf(number)));
    }
    await removeOldAsides(files, folder, revisions.clock.now() - ASIDE_LIFE);
  } catch {
    // The commit stands even if old files stay. The next commit tries again.
  }
}
