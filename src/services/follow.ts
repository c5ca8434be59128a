import type { Awaiting, InstanceEvent, InstanceOutcome } from './awaiting.js';
import { pollInterval, untilAborted } from './polling.js';
import type { Instance } from './service.js';
import { createTally, type Tally } from './tally.js';
import { type Judgement, judge } from './wanted.js';

/** At most so many reloads after the first: at a third and at two thirds of the deadline. */
const MOST_AGAIN = 2;
/** So many answers decide whether an instance still answers: one lost in between is not a broken service. */
const NEWEST = 3;

/** Follows one instance until it is confirmed or `limit` aborts. */
export async function followInstance(
  awaiting: Awaiting,
  instance: Instance,
  limit: AbortSignal,
): Promise<InstanceOutcome> {
  const follower = new Follower(awaiting, instance, limit);
  return follower.conclude(await isConfirmed(follower, limit, true));
}

/** Looks whether an instance confirms without a reload. Null when it needs one, or `limit` aborts. */
export async function lookAt(
  awaiting: Awaiting,
  instance: Instance,
  limit: AbortSignal,
): Promise<InstanceOutcome | null> {
  const follower = new Follower(awaiting, instance, limit);
  return (await isConfirmed(follower, limit, false)) ? follower.conclude(true) : null;
}

async function isConfirmed(follower: Follower, limit: AbortSignal, mayReload: boolean): Promise<boolean> {
  try {
    return await follower.pursue(mayReload);
  } catch (error) {
    if (!limit.aborted) throw error;
    return false;
  }
}

class Follower {
  readonly #awaiting: Awaiting;
  readonly #instance: Instance;
  readonly #limit: AbortSignal;
  readonly #reloadWhen: Awaiting['reloadWhen'];
  readonly #tally: Tally;
  readonly #started: number;
  /** When the last reload ended, or the answers began to be the wanted ones. */
  #since: number;
  /** The part of the deadline, 0 to 2, in which the last reload ended. */
  #seenThird = 0;
  #reloads = 0;
  #wasMet = false;
  #announced = false;
  #answeredBefore: boolean | null = null;
  #newest: readonly boolean[] = [];
  #reloadFailure: { readonly reason: string; readonly hint: string | null } | null = null;
  #lacking: string | null = null;

  constructor(awaiting: Awaiting, instance: Instance, limit: AbortSignal) {
    const { service } = awaiting.service;
    this.#awaiting = awaiting;
    this.#instance = instance;
    this.#limit = limit;
    this.#reloadWhen = service.reload.type === 'none' ? 'never' : awaiting.reloadWhen;
    this.#tally = createTally(service.health ?? { confirmations: 1, distinct: null });
    this.#started = this.#since = awaiting.clock.monotonic();
  }

  /** True when the instance is confirmed, false when it needs a reload and may get none; rejects when the limit aborts. */
  async pursue(mayReload: boolean): Promise<boolean> {
    const { clock, random } = this.#awaiting;
    for (;;) {
      const judgement = await this.#look();
      // What is said before a reload that was asked for is the former process's word.
      const mayConfirm = this.#reloads > 0 || this.#reloadWhen !== 'always';
      if (mayConfirm && this.#tally.isComplete()) return true;
      if (this.#isReloadDue(judgement)) {
        if (!mayReload) return false;
        await this.#reload();
        continue;
      }
      if (!this.#announced) this.#say('awaited', this.#reason());
      this.#announced = true;
      await untilAborted(
        clock.sleep(pollInterval(clock.monotonic() - this.#since, random()), this.#limit),
        this.#limit,
      );
    }
  }

  conclude(confirmed: boolean): InstanceOutcome {
    const reason = confirmed ? null : this.#reason();
    if (!this.#awaiting.signal.aborted) this.#say(confirmed ? 'confirmed' : 'unconfirmed', reason);
    return {
      instance: this.#instance,
      confirmed,
      answeredBefore: this.#answeredBefore ?? false,
      answers: this.#newest.length === 0 ? (this.#answeredBefore ?? false) : this.#newest.includes(true),
      reason,
      reloads: this.#reloads,
      reloadHint: this.#reloadFailure?.hint ?? null,
    };
  }

  async #look(): Promise<Judgement> {
    const { service: port, wanted, clock } = this.#awaiting;
    const report = await untilAborted(port.probe(this.#instance, this.#limit), this.#limit);
    const judgement = judge(port.service, report, wanted);
    this.#answeredBefore ??= report.ok;
    this.#newest = [...this.#newest, report.ok].slice(-NEWEST);
    this.#tally.add(judgement.met, report.ok ? report.worker : null);
    // From here on it is a matter of a few more answers: ask often again.
    if (judgement.met && !this.#wasMet) this.#since = clock.monotonic();
    this.#wasMet ||= judgement.met;
    this.#lacking = judgement.met ? this.#tally.missing() : judgement.reason;
    return judgement;
  }

  #isReloadDue(judgement: Judgement): boolean {
    if (this.#reloadWhen === 'never') return false;
    if (this.#reloads === 0) return this.#reloadWhen === 'always' || !judgement.met || this.#third() > 0;
    return this.#awaiting.reloadAgain && !judgement.met && judgement.healthy && this.#third() > this.#seenThird;
  }

  async #reload(): Promise<void> {
    const { service: port, clock } = this.#awaiting;
    this.#say('reloading', null);
    this.#reloads += 1;
    this.#newest = [];
    this.#lacking = null;
    this.#reloadFailure = { reason: 'not done before the deadline', hint: null };
    const result = await untilAborted(port.reload(this.#instance, this.#limit), this.#limit);
    this.#reloadFailure = result.ok ? null : result;
    this.#tally.reset();
    this.#since = clock.monotonic();
    this.#wasMet = false;
    this.#announced = false;
    this.#seenThird = this.#third();
  }

  #third(): number {
    const { clock, deadline } = this.#awaiting;
    return Math.min(MOST_AGAIN, Math.floor((3 * (clock.monotonic() - this.#started)) / deadline));
  }

  #reason(): string {
    const failure = this.#reloadFailure === null ? [] : [`reload failed: ${this.#reloadFailure.reason}`];
    const parts = [...failure, ...(this.#lacking === null ? [] : [this.#lacking])];
    return parts.length === 0 ? 'no answer before the deadline' : parts.join('; ');
  }

  #say(state: InstanceEvent['state'], reason: string | null): void {
    const { service, onEvent } = this.#awaiting;
    const event = { type: 'instance', service: service.service.name, instance: this.#instance.name, state } as const;
    onEvent(reason === null ? event : { ...event, reason });
  }
}
