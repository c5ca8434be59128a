import { type Duration, SECOND } from '../keyset/basics/clock.js';

/** A file operation that does not return: its file system's server is gone, or its user-space program hangs. */
export class Hangs extends Error {
  /** The kernel's code for the same failure. */
  readonly code = 'ETIMEDOUT';

  constructor(place: string, cause?: unknown) {
    super(`${place} does not answer`, { cause });
  }
}

/** A disk that spins up, or an automatic mount, takes a few seconds. */
export const PATIENCE: Duration = 5 * SECOND;
/** After SIGSTOP and SIGCONT the timer fires first. This extra time lets a result that is already there count. */
const AFTER_A_STOP: Duration = 200;

/** Each hanging operation blocks one of Node's four pool threads, so its place is not tried again until it returns. */
const hanging = new Map<string, Hangs>();

/**
 * Waits for `work`, at most for `patience`.
 * @param place names what may hang, and is remembered while it does; null: not remembered
 * @param late receives a result that comes too late
 * @throws Hangs after `patience`; at once when `place` still hangs
 */
export async function unlessHanging<T>(
  place: string | null,
  work: () => Promise<T>,
  patience: Duration = PATIENCE,
  late: (value: T) => void = () => {},
): Promise<T> {
  const earlier = place === null ? undefined : hanging.get(place);
  if (earlier !== undefined) throw new Hangs(place ?? '', earlier);
  const working = work();
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<'over'>((resolve) => {
    timer = setTimeout(() => {
      timer = setTimeout(() => resolve('over'), AFTER_A_STOP);
    }, patience);
  });
  try {
    const first = await Promise.race([working.then((value) => ({ value })), over]);
    if (first !== 'over') return first.value;
  } finally {
    clearTimeout(timer);
  }
  const hangs = new Hangs(place ?? 'a file');
  if (place !== null) hanging.set(place, hangs);
  const forget = () => {
    if (place !== null) hanging.delete(place);
  };
  working.then((value) => late(value)).then(forget, forget);
  throw hangs;
}
