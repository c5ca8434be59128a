import type { Duration } from '../keyset/basics/clock.js';
import type { Awaiting, InstanceEvent, InstanceOutcome } from './awaiting.js';
import { pollInterval, untilAborted } from './polling.js';
import { loginInterval, SPENT } from './polls.js';
import { type Instance, isAcknowledged, reloadInTurn } from './service.js';
import { createTally, type Tally } from './tally.js';
import { askedKids, type Judgement, judge } from './wanted.js';

/** Reloads after the first: one at a third and one at two thirds of the deadline. */
const MOST_AGAIN = 2;
/**
 * The number of answers that decide whether an instance still answers. A single lost answer doesn't mean a broken
 * service.
 */
const NEWEST = 3;

/** How long a canary waits after a reload that was only ordered. */
const AFTER_ORDER: Duration = 1_000;

/** Follows one instance until it is confirmed or `limit` aborts. */
export async function followInstance(
  awaiting: Awaiting,
  instance: Instance,
  limit: AbortSignal,
): Promise<InstanceOutcome> {
  const follower = new Follower(awaiting, instance, limit);
  return follower.conclude(await isConfirmed(follower, limit, true));
}

/** Polls whether an instance confirms without a reload. @returns null when it needs one, or `limit` aborts */
export async function pollOnce(
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
  /** When the last reload ended, or the first wanted answer after it came. */
  #since: number;
  /** When the first reload ended. */
  #reloaded: number;
  /** The third of the deadline (0 to 2) in which the last reload ended. */
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
    this.#started = this.#since = this.#reloaded = awaiting.clock.monotonic();
  }

  /**
   * @returns true when the instance is confirmed, false when it needs a reload but may not have one
   * @throws when the limit aborts
   */
  async pursue(mayReload: boolean): Promise<boolean> {
    const { clock } = this.#awaiting;
    for (;;) {
      if (this.#isSpent()) await untilAborted(new Promise<never>(() => {}), this.#limit);
      const judgement = await this.#judgeNow();
      // Before an ordered reload, an answer may come from the old process.
      const mayConfirm = this.#reloads > 0 || this.#reloadWhen !== 'always';
      if (mayConfirm && this.#tally.isComplete()) return true;
      if (this.#isReloadDue(judgement)) {
        if (!mayReload) return false;
        await this.#reload();
        if (!this.#pausesAfterReload()) continue;
      }
      if (!this.#announced) this.#say('awaited', this.#reason());
      this.#announced = true;
      await untilAborted(clock.sleep(this.#interval(), this.#limit), this.#limit);
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
      reloadHint: this.#reloadFailure?.hint ?? null,
    };
  }

  async #judgeNow(): Promise<Judgement> {
    const { service: port, wanted, clock } = this.#awaiting;
    const report = await untilAborted(
      port.probe(this.#instance, this.#limit, undefined, askedKids(wanted)),
      this.#limit,
    );
    const judgement = judge(port.service, report, wanted);
    this.#answeredBefore ??= report.ok;
    this.#newest = [...this.#newest, report.ok].slice(-NEWEST);
    this.#tally.add(judgement.met, report.ok ? report.worker : null);
    // Only a few more answers are needed now, so poll often again.
    if (judgement.met && !this.#wasMet) this.#since = clock.monotonic();
    // A canary that is refused again is as dear as the first.
    this.#wasMet = judgement.met || (this.#wasMet && port.service.health?.type !== 'canary');
    this.#lacking = judgement.met ? this.#tally.missing() : judgement.reason;
    return judgement;
  }

  /** An answer right after an order may be the old one: too dear for a login, or for a kid that is still unknown there. */
  #pausesAfterReload(): boolean {
    const { polls, service } = this.#awaiting.service;
    return polls !== undefined || (service.health?.type === 'canary' && !isAcknowledged(service.reload));
  }

  #interval(): Duration {
    const { clock, random, deadline, service: port } = this.#awaiting;
    const now = clock.monotonic();
    const { health } = port.service;
    if (health?.type === 'canary' && !this.#wasMet)
      return this.#newest.length === 0 ? AFTER_ORDER : health.every * (1 + 0.2 * random());
    if (port.polls === undefined) return pollInterval(now - this.#since, random());
    return loginInterval(now - this.#reloaded, deadline, random());
  }

  #isSpent(): boolean {
    const { service: port, isOnceMore = false } = this.#awaiting;
    const isSpent = port.polls?.isSpent(this.#instance, isOnceMore) === true;
    if (isSpent) this.#lacking = this.#lacking === null ? SPENT : `${this.#lacking}; ${SPENT}`;
    return isSpent;
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
    // The next answer may come too late to say anything newer.
    if (!this.#pausesAfterReload() || this.#reloads === 1) this.#lacking = null;
    this.#reloadFailure = { reason: 'not done before the deadline', hint: null };
    const result = await untilAborted(reloadInTurn(port, this.#instance, this.#limit), this.#limit);
    this.#reloadFailure = result.ok ? null : result;
    this.#tally.reset();
    this.#since = clock.monotonic();
    if (this.#reloads === 1) this.#reloaded = this.#since;
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
