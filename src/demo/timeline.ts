import { type Duration, SECOND } from '../keyset/basics/clock.js';

/** How long a slice of the timeline lasts, in milliseconds. */
export const SLICE: Duration = 100;

/** What the services did in a tenth of a second. */
export interface Slice {
  /** Kids that tokens were signed with. */
  readonly signs: readonly string[];
  /** Kids that every verifier accepts. */
  readonly accepted: readonly string[];
  readonly checks: number;
  readonly rejected: number;
}

/** Something that the story did. */
export interface Happening {
  /** Milliseconds since the first token. */
  readonly at: Duration;
  readonly text: string;
  /** A command that was given, what it came to, or something bad that the story is about. */
  readonly type: 'command' | 'result' | 'trouble';
}

/** What the demonstration saw, from the services alone. */
export interface Timeline {
  /** Every kid in the order in which it was seen. */
  readonly kids: readonly string[];
  readonly slices: readonly Slice[];
  readonly happenings: readonly Happening[];
}

export interface Sums {
  readonly tokens: number;
  readonly checks: number;
  readonly rejected: number;
}

/** What a key is doing in a slice. */
export type Doing = 'signs' | 'accepted' | 'nothing';

export function doing(slice: Slice, kid: string): Doing {
  if (slice.signs.includes(kid)) return 'signs';
  return slice.accepted.includes(kid) ? 'accepted' : 'nothing';
}

/** `k1`, `k2`, … for people. */
export function nameOf(kids: readonly string[], kid: string): string {
  return `k${kids.indexOf(kid) + 1}`;
}

/** Consecutive slices in which a key does the same. */
export interface Stretch {
  readonly doing: Exclude<Doing, 'nothing'>;
  /** Index of the first slice. */
  readonly from: number;
  /** Index after the last slice. */
  readonly to: number;
}

export function stretches(slices: readonly Slice[], kid: string): Stretch[] {
  const found: Stretch[] = [];
  slices.forEach((slice, i) => {
    const now = doing(slice, kid);
    if (now === 'nothing') return;
    const last = found.at(-1);
    if (last !== undefined && last.to === i && last.doing === now) found[found.length - 1] = { ...last, to: i + 1 };
    else found.push({ doing: now, from: i, to: i + 1 });
  });
  return found;
}

/** `  4.2 s`. */
export function secondsOf(at: number): string {
  return `${(at / SECOND).toFixed(1).padStart(5)} s`;
}
