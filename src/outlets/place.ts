import type { Clock, Duration } from '../keyset/basics/clock.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { within } from '../outside/limit.js';
import type { OutletDirectory } from './directory.js';
import type { Flaw } from './findings.js';
import { lockFiles, outletBusy } from './lock.js';
import { type LockFile, openLockBeside, openLockElsewhere } from './lock-file.js';
import type { LockPatience } from './outlet.js';
import { outletProblem } from './problem.js';
import type { Reach } from './reach.js';
import { pathOf, type Target } from './target.js';

/** A target, and the way to its directory. */
export interface Reachable {
  readonly target: Target;
  readonly reach: Reach;
}

/** A target whose directory is open and whose lock is held. */
export interface Place extends Reachable {
  readonly directory: OutletDirectory;
  readonly flaw: Flaw | null;
  readonly lock: LockFile;
  /** Work begun there. The lock is held until all of it ends, even if nobody waits for it any more. */
  readonly underWay: Set<Promise<unknown>>;
}

/** A target that can't be written. It does not stop the others. */
export interface Unplaced {
  readonly target: Target;
  readonly problem: unknown;
  /** As in `Observed`. */
  readonly taken?: readonly string[];
}

export interface Places {
  readonly places: readonly Place[];
  readonly unplaced: readonly Unplaced[];
}

export interface PlaceOptions extends LockPatience {
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Where to find flock(1). */
  readonly path?: string | undefined;
  /** For locks that can't lie beside their outlets. */
  readonly lockFolder: string;
}

/** For opening a directory: an automatic mount takes some seconds. */
const OPENING: Duration = 10_000;

/** For a call that only checks a name or closes a file. */
const MOMENT: Duration = 2_000;

/**
 * Locks every target that can be opened and locked, and runs `use` meanwhile.
 * @throws JwtrotError `outlet-busy` if others hold all of them
 */
export async function withPlaces<T>(
  targets: readonly Reachable[],
  options: PlaceOptions,
  use: (places: Places) => Promise<T>,
): Promise<T> {
  const { clock, alone } = options;
  const end = clock.monotonic() + options.timeout;
  for (;;) {
    const { opened, unplaced } = await openPlaces(targets, options);
    try {
      const timeout = Math.max(0, end - clock.monotonic());
      const failed = await lockFiles(
        opened.map(({ lock }) => lock),
        { ...options, timeout },
      );
      const locked = opened.filter(({ lock }) => !failed.has(lock));
      const places = await stillNamed(locked);
      // A lock file that was removed meanwhile keeps nobody out: the next run makes a new one.
      if (places.length < locked.length && clock.monotonic() < end) continue;
      const missed = opened.filter((place) => !places.includes(place));
      const [first] = missed;
      if (!alone && places.length === 0 && first !== undefined) throw failed.get(first.lock) ?? outletBusy();
      return await use({ places, unplaced: [...unplaced, ...missed.map((place) => notLocked(place, failed))] });
    } finally {
      await Promise.all(opened.map(closePlace));
    }
  }
}

async function stillNamed(places: readonly Place[]): Promise<Place[]> {
  const named = await Promise.all(
    places.map(({ reach, lock }) => reach.within(MOMENT, () => lock.isStillNamed()).catch(() => false)),
  );
  return places.filter((_, i) => named[i]);
}

function notLocked({ target, lock }: Place, failed: ReadonlyMap<LockFile, JwtrotError>): Unplaced {
  const found = failed.get(lock) ?? outletBusy();
  if (found.kind !== 'leased') return { target, problem: found };
  const problem = new JwtrotError(
    'leased',
    'outlet-busy',
    `another process holds the lock of ${target.label}, ${lock.path}; nothing was written to it`,
    { hint: `see which: fuser -v ${lock.path}; run it again when it is done` },
  );
  return { target, problem };
}

async function openPlaces(
  targets: readonly Reachable[],
  options: PlaceOptions,
): Promise<{ opened: Place[]; unplaced: Unplaced[] }> {
  const found = await Promise.all(targets.map((one) => openPlace(one, options)));
  return { opened: found.filter((one) => 'lock' in one), unplaced: found.filter((one) => 'problem' in one) };
}

async function openPlace(
  { target, reach }: Reachable,
  { alone, timeout, lockFolder }: PlaceOptions,
): Promise<Place | Unplaced> {
  try {
    const limit = alone ? timeout : OPENING;
    return await reach.within(limit, () => open({ target, reach }, lockFolder), closePlace);
  } catch (error) {
    return { target, problem: outletProblem(`cannot write ${target.label}`, target.folder, error) };
  }
}

async function open({ target, reach }: Reachable, lockFolder: string): Promise<Place> {
  const directory = await target.openFolder();
  try {
    const flaw = await target.flawOf(directory);
    // If the directory is not fit for writing, do not even make a lock there.
    const isBeside = directory.sharedWith === null && flaw === null;
    const lock = isBeside
      ? await openLockBeside(directory, target.name)
      : await openLockElsewhere(lockFolder, pathOf(target));
    return { target, reach, directory, flaw, lock, underWay: new Set() };
  } catch (error) {
    await directory.handle.close();
    throw error;
  }
}

/** Does not wait for hanging work, which keeps the lock as long as it may still write. */
async function closePlace({ lock, directory, underWay }: Place): Promise<void> {
  const close = async () => {
    await Promise.all([lock.handle.close(), directory.handle.close()]);
  };
  if (underWay.size === 0) {
    await within(MOMENT, new AbortController().signal, close);
    return;
  }
  Promise.allSettled(underWay)
    .then(close)
    .catch(() => {});
}
