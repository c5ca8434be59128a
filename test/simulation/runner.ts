import type { Clock } from '../../src/keyset/basics/clock.js';
import type { KeysetRecord } from '../../src/keyset/history/record.js';
import type { Owner } from '../../src/keyset/manifest/model.js';
import type { Source, Strike } from './injected.js';
import type { Scheduler } from './scheduler.js';

/** One machine: a clock that differs from the true time, a boot, processes. */
export class SimHost {
  /** Wall clock minus true time. */
  offset = 0;
  /** The time that its monotonic clock did not count because the machine was suspended. */
  suspended = 0;
  boot = 1;
  /** What it remembers of the keyset, on its disk. */
  record: KeysetRecord | null = null;
  recordIsDamaged = false;
  readonly runners = new Map<number, Runner>();

  constructor(
    /** The machine's id; a host that is made anew gets another one. */
    public id: string,
    private readonly scheduler: Scheduler,
  ) {}

  get trueTime(): number {
    return this.scheduler.time;
  }

  now(): number {
    return this.scheduler.time + this.offset;
  }
}

/** When a run is killed or paused: at its n-th await, before or after the awaited thing has happened. */
export interface Fate {
  /** The run's source of randomness; absent: one of its own, by its number. */
  readonly source?: Source;
  readonly kill: { readonly call: number; readonly late: boolean } | null;
  readonly pause: { readonly call: number; readonly duration: number } | null;
  /** Stopped before the n-th await's request has left the process. It leaves late, whatever was checked before. */
  readonly stall?: { readonly call: number; readonly duration: number } | null;
}

export const UNDISTURBED: Fate = { kill: null, pause: null };

/** One process. Once it is killed, none of its promises settles again; what it had sent may still arrive. */
export class Runner {
  alive = true;
  pausedUntil = 0;
  calls = 0;
  /** The request that arrives now was about to leave when the process was stopped. */
  isLate = false;
  /** When it last saw what outlets hold. */
  lookedAt = 0;
  /** When it began, and read what its host remembers. */
  readonly startedAt: number;
  readonly #startedBy: number;
  /** The time of the state that the store last answered with. */
  readAt = 0;
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
    readonly source: Source,
  ) {
    this.boot = host.boot;
    this.startedAt = host.trueTime;
    this.#startedBy = host.now();
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

  /** The clock that an incident goes by: its host's, but never set back while it runs. */
  get steadyNow(): number {
    return Math.max(this.host.now(), this.#startedBy + this.host.trueTime - this.startedAt);
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
    private readonly counters: Counters,
    private readonly say: (runner: Runner, text: () => string) => void,
  ) {}

  make<T>(runner: Runner, before: number, after: number, remote: boolean, effect: () => T): Promise<T> {
    const { scheduler, counters } = this;
    runner.calls += 1;
    const { kill, pause, stall } = runner.fate;
    const fatal = kill !== null && runner.calls === kill.call;
    const stops = pause !== null && runner.calls === pause.call;
    if (fatal && !kill.late && runner.alive) this.#kill(runner);
    const stalled = stall != null && runner.calls === stall.call && runner.alive ? stall.duration : 0;
    if (stalled > 0) {
      counters.pauses += 1;
      runner.pausedUntil = Math.max(runner.pausedUntil, scheduler.time + stalled);
      this.say(runner, () => `is stopped for ${stalled} ms, with a request on its lips`);
    }
    return new Promise((resolve, reject) => {
      const act = () => {
        if (!runner.alive && (!remote || stalled > 0 || !this.#outlives(runner))) return;
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
          this.#kill(runner);
          return;
        }
        if (stops && runner.alive) {
          counters.pauses += 1;
          runner.pausedUntil = scheduler.time + pause.duration;
          this.say(runner, () => `is stopped for ${pause.duration} ms`);
        }
        this.reply(runner, after, settle);
      };
      scheduler.after(before + stalled, act);
    });
  }

  #kill(runner: Runner): void {
    this.counters.kills += 1;
    this.say(runner, () => 'is killed');
    runner.die();
  }

  /** Now and then, what it sent before it was killed still arrives. */
  #outlives(runner: Runner): Strike | null {
    const strike = runner.source.strikes('orphan', 0.5);
    if (strike !== null) this.say(runner, () => 'is dead, but what it had sent arrives');
    return strike;
  }

  /** Hands something to the process unless it is dead; a paused process gets it when it wakes. */
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
