import { homedir } from 'node:os';
import type { Duration } from '../keyset/basics/clock.js';
import { monotonic } from '../outside/monotonic.js';
import { onHangup } from './hangup.js';

/** What a keyring gets from outside its own code. Tests hand in their own. */
export interface Surroundings {
  /** Wall clock, milliseconds since 1970. May jump. */
  now(): number;
  /** Monotonic clock, milliseconds. */
  monotonic(): number;
  random(): number;
  /** Calls `work` later, and keeps no process alive for that. @returns ends it */
  later(after: Duration, work: () => void): () => void;
  /** Calls `work` on each SIGHUP. @returns ends it */
  onHangup(work: () => void): () => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly home: string;
}

/** Milliseconds (24.8 days). Node turns a longer timer into one of 1 ms. */
const LONGEST_TIMER = 2 ** 31 - 1;

export function processSurroundings(): Surroundings {
  return {
    now: () => Date.now(),
    monotonic,
    random: Math.random,
    later(after, work) {
      const timer = setTimeout(work, Math.min(after, LONGEST_TIMER)).unref();
      return () => clearTimeout(timer);
    },
    onHangup,
    env: process.env,
    uid: process.geteuid?.() ?? -1,
    home: process.env['HOME'] || homedir(),
  };
}
