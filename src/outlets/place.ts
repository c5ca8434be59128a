import type { FileHandle } from 'node:fs/promises';
import type { OutletDirectory } from './directory.js';
import { type LockOptions, lockFiles, outletBusy } from './lock.js';
import { isStillNamed, openMark } from './mark.js';
import { outletProblem } from './problem.js';
import type { Target } from './target.js';

/** A target whose directory is open and whose mark is locked. */
export interface Place {
  readonly target: Target;
  readonly directory: OutletDirectory;
  readonly mark: FileHandle;
}

/** A target that can't be written to: the others are, all the same. */
export interface Unplaced {
  readonly target: Target;
  readonly problem: unknown;
}

export interface Places {
  readonly places: readonly Place[];
  readonly unplaced: readonly Unplaced[];
}

/** Runs `use` while every target that can be opened is locked. */
export async function withPlaces<T>(
  targets: readonly Target[],
  options: LockOptions,
  use: (places: Places) => Promise<T>,
): Promise<T> {
  const end = options.clock.monotonic() + options.timeout;
  for (;;) {
    const found = await openPlaces(targets);
    try {
      const timeout = Math.max(0, end - options.clock.monotonic());
      await lockFiles(
        found.places.map((place) => place.mark),
        { ...options, timeout },
      );
      // A mark that was removed meanwhile locks nobody out: the next run makes a new one.
      const named = await Promise.all(
        found.places.map(({ directory, target, mark }) => isStillNamed(directory, target.name, mark)),
      );
      if (named.every(Boolean)) return await use(found);
      if (options.clock.monotonic() >= end) throw outletBusy();
    } finally {
      await closePlaces(found.places);
    }
  }
}

async function openPlaces(targets: readonly Target[]): Promise<Places> {
  const opened = await Promise.all(targets.map(openPlace));
  return {
    places: opened.filter((one) => 'mark' in one),
    unplaced: opened.filter((one) => 'problem' in one),
  };
}

async function openPlace(target: Target): Promise<Place | Unplaced> {
  let directory: OutletDirectory | undefined;
  try {
    directory = await target.openFolder();
    return { target, directory, mark: await openMark(directory, target.name) };
  } catch (error) {
    await directory?.handle.close();
    return { target, problem: outletProblem(`cannot write ${target.label}`, target.folder, error) };
  }
}

async function closePlaces(places: readonly Place[]): Promise<void> {
  await Promise.all(places.flatMap(({ directory, mark }) => [mark.close(), directory.handle.close()]));
}
