import type { Clock } from '../../src/keyset/clock.js';
import type { Owner } from '../../src/keyset/model.js';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';

/** One machine: a clock that differs from the true time, a boot, processes. */
export class SimHost {
  /** Wall clock minus true time. */
  offset = 0;
  /** Time that its monotonic clock did not count, since the machine was suspended. */
  suspended = 0;
  boot = 1;
  readonly runners = new Map<number, Runner>();

  constructor(
    readonly id: string,
    private readonly scheduler: Scheduler,
  ) {}

  now(): number {
    return this.scheduler.time + this.offset;
  }
}

/** When a run is to be killed or paused: at its n-th await, before or after what it awaits has happened. */
export interface Fate {
  readonly kill: { readonly call: number; readonly late: boolean } | null;
  readonly pause: { readonly call: number; readonly duration: number } | null;
  /** Stopped before what the n-th await asks for has left the process: it leaves late, whatever was checked before. */
  readonly stall?: { readonly call: number; readonly duration: number } | null;
}

export const UNDISTURBED: Fate = { kill: null, pause: null };

/** One process. Killed, none of its promises ever settles again; what it had sent may still arrive. */
export class Runner {
  alive = true;
  pausedUntil = 0;
  calls = 0;
  /** What arrives now had been about to leave when the process was stopped. */
  isLate = false;
  /** When it last saw what outlets hold. */
  lookedAt = 0;
  readonly controller = new AbortController();
  readonly boot: number;
  readonly owner: Owner;
  /** Freed by the kernel when the process dies. */
  readonly onDeath = new Set<() => void>();

  constructor(
    readonly host: SimHost,
    readonly pid: number,
    readonly verb: string,
    readonly fate: Fate,
  ) {
    this.boot = host.boot;
    this.owner = {
      host: host.id,
      hostname: host.id,
      bootId: `boot ${host.boot}`,
      pidNamespace: 'pid:[1]',
      pid,
      startTime: String(pid),
    };
    host.runners.set(pid, this);
  }

  die(): void {
    if (!this.alive) return;
    this.alive = false;
    this.host.runners.delete(this.pid);
    for (const free of this.onDeath) free();
    this.onDeath.clear();
  }
}

export interface CallTiming {
  readonly before: number;
  readonly after: number;
  /** A request that has left the process: it may arrive although the process has died. */
  readonly remote?: boolean;
}

export interface Counters {
  kills: number;
  pauses: number;
}

/** Every await of the code under test goes through here. */
export class Calls {
  constructor(
    private readonly scheduler: Scheduler,
    private readonly random: Random,
    private readonly counters: Counters,
  ) {}

  make<T>(runner: Runner, before: number, after: number, remote: boolean, effect: () => T): Promise<T> {
    const { scheduler, random, counters } = this;
    runner.calls += 1;
    const { kill, pause, stall } = runner.fate;
    const fatal = kill !== null && runner.calls === kill.call;
    const stops = pause !== null && runner.calls === pause.call;
    if (fatal && !kill.late && runner.alive) {
      counters.kills += 1;
      runner.die();
    }
    const stalled = stall != null && runner.calls === stall.call && runner.alive ? stall.duration : 0;
    if (stalled > 0) {
      counters.pauses += 1;
      runner.pausedUntil = Math.max(runner.pausedUntil, scheduler.time + stalled);
    }
    return new Promise((resolve, reject) => {
      const act = () => {
        if (!runner.alive && (!remote || stalled > 0 || random.chance(0.5))) return;
        if (!remote && runner.pausedUntil > scheduler.time) {
          scheduler.at(runner.pausedUntil, act);
          return;
        }
        let settle: () => void;
        runner.isLate = stalled > 0;
        try {
          const value = effect();
          settle = () => resolve(value);
        } catch (error) {
          settle = () => reject(error);
        }
        if (fatal && runner.alive) {
          counters.kills += 1;
          runner.die();
          return;
        }
        if (stops && runner.alive) {
          counters.pauses += 1;
          runner.pausedUntil = scheduler.time + pause.duration;
        }
        this.reply(runner, after, settle);
      };
      scheduler.after(before + stalled, act);
    });
  }

  /** Hands something to the process, unless it is dead; while it is paused, when it wakes. */
  reply(runner: Runner, delay: number, settle: () => void): void {
    const { scheduler } = this;
    const hand = () => {
      if (!runner.alive) return;
      if (runner.pausedUntil > scheduler.time) {
        scheduler.at(runner.pausedUntil, hand);
        return;
      }
      scheduler.drain = true;
      settle();
    };
    scheduler.after(delay, hand);
  }

  clockOf(runner: Runner): Clock {
    const { scheduler } = this;
    return {
      now: () => runner.host.now(),
      monotonic: () => scheduler.time - runner.host.suspended,
      sleep: (duration, signal) =>
        new Promise<void>((resolve, reject) => {
          if (signal?.aborted) {
            reject(signal.reason);
            return;
          }
          let over = false;
          const onAbort = () => {
            if (over) return;
            over = true;
            reject(signal?.reason);
          };
          signal?.addEventListener('abort', onAbort, { once: true });
          this.reply(runner, duration, () => {
            if (over) return;
            over = true;
            signal?.removeEventListener('abort', onAbort);
            resolve();
          });
        }),
    };
  }
}
