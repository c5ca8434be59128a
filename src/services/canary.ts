import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import type { CanaryHealth } from './health-kinds.js';
import type { Canaries } from './proving.js';
import type { Report } from './service.js';

/** What came of sending one token. */
export interface Sent {
  /** Null: there was no whole answer. */
  readonly status: number | null;
  /** For a person. */
  readonly reason: string;
  /** The value at `distinct.pointer`; null when absent or not configured. */
  readonly worker: string | null;
}

/** One instance, and how tokens get there. */
export interface Show {
  /** `service/instance` */
  readonly at: string;
  readonly health: CanaryHealth;
  readonly canaries: Canaries;
  readonly send: (token: string) => Promise<Sent>;
  /** 0 <= x < 1. Default: `Math.random`. */
  readonly random?: () => number;
}

const NOTHING: Report = { ok: true, kid: null, kids: [], rejects: [], unshown: [], worker: null };

type Look =
  | { readonly verdict: 'accepted' | 'rejected'; readonly status: number; readonly worker: string | null }
  | { readonly verdict: 'gone' }
  | { readonly verdict: 'not yet'; readonly reason: string };

/**
 * Sends a canary of each key and reports which were accepted, and which rejected. A rejection counts only between two
 * acceptances of the active key's canary: a service that is broken rejects everything.
 * @param kids besides the active key's. If the instance may not be shown one of them yet, nothing is sent
 */
export async function probeByCanary(show: Show, kids: readonly string[]): Promise<Report> {
  const { canaries, at } = show;
  // It needs a reload first, and nothing else that it does would confirm it.
  if (kids.some((kid) => !canaries.mayShow(kid, at))) return NOTHING;
  const fault = await controlFault(show, canaries.controlled);
  if (fault !== null) return { ok: false, reason: fault };
  const active = canaries.activeKid();
  const look = new Looking(show, active);
  for (const kid of active === null ? kids : [active, ...kids.filter((one) => one !== active)]) {
    const reason = await look.at(kid);
    if (reason !== null) return { ok: false, reason };
    if (kid === active && !look.accepted.includes(kid)) return look.report([]);
  }
  // Nothing shows that it would accept anything.
  if (active === null) return look.report([]);
  if (look.rejected.length > 0 && !(await look.isStillAccepted(active))) {
    return { ok: false, reason: `it no longer accepts ${quoteOutside(active)}` };
  }
  return look.report();
}

/** More would not mix the workers better, and each is a request. */
const MOST_MIXED = 8;
/** How many workers are thought to be there if nobody says. */
const SEVERAL = 3;

/** One look at an instance with a canary of each key. */
class Looking {
  readonly accepted: string[] = [];
  readonly rejected: string[] = [];
  readonly #gone: string[] = [];
  #refusedWith: number | null = null;
  readonly #workers = new Set<string | null>();

  constructor(
    private readonly show: Show,
    private readonly active: string | null,
  ) {}

  /** @returns why it tells nothing; null: it told */
  async at(kid: string): Promise<string | null> {
    if (this.accepted.length > 0) await this.#mix();
    const look = await lookWith(this.show, kid);
    if (look.verdict === 'not yet') return look.reason;
    if (look.verdict === 'gone') {
      this.#gone.push(kid);
      return null;
    }
    this.#workers.add(look.worker);
    if (look.verdict === 'rejected') {
      this.rejected.push(kid);
      this.#refusedWith = look.status;
      return null;
    }
    this.accepted.push(kid);
    // A cache in between, which does not look at the token, keeps the first acceptance, and no refusal before it.
    return this.accepted.length === 1 ? controlFault(this.show, this.show.canaries.controlledSince) : null;
  }

  async isStillAccepted(active: string): Promise<boolean> {
    await this.#mix();
    const look = await lookWith(this.show, active);
    if (look.verdict !== 'accepted') return false;
    this.#workers.add(look.worker);
    return true;
  }

  /** @param rejects what counts as rejected */
  report(rejects: readonly string[] = this.rejected): Report {
    const [worker = null] = this.#workers.size === 1 ? this.#workers : [];
    const refused = this.#refusedWith === null || this.accepted.length > 0 ? {} : { refusedWith: this.#refusedWith };
    return { ok: true, kid: null, kids: this.accepted, rejects, unshown: this.#gone, worker, ...refused };
  }

  /**
   * Sends some of the active key's that count for nothing. A balancer that goes round its workers would otherwise hand each
   * key's to the same one in every look, and a stale worker would never be shown the new key.
   */
  async #mix(): Promise<void> {
    const { health, canaries, send, random = Math.random } = this.show;
    if (this.active === null || (health.confirmations === 1 && health.distinct === null)) return;
    const workers = Math.min(MOST_MIXED, Math.max(SEVERAL, health.distinct?.count ?? 0));
    for (let left = Math.floor(random() * workers); left > 0; left--) {
      const signed = await canaries.sign(this.active, health);
      if ('token' in signed) await send(signed.token);
    }
  }
}

async function lookWith(show: Show, kid: string): Promise<Look> {
  const signed = await show.canaries.sign(kid, show.health);
  if ('gone' in signed) return { verdict: 'gone' };
  if ('fault' in signed) return { verdict: 'not yet', reason: signed.fault };
  const { reason, worker, status } = await show.send(signed.token);
  const verdict = verdictOf(show.health, status);
  if (verdict === null || status === null) return { verdict: 'not yet', reason: `${reason} to a canary` };
  return { verdict, status, worker };
}

/** Any other status (429, 5xx) tells nothing. */
function verdictOf({ accepted, rejected }: CanaryHealth, status: number | null): 'accepted' | 'rejected' | null {
  if (status === null) return null;
  if (accepted.includes(status)) return 'accepted';
  return rejected.includes(status) ? 'rejected' : null;
}

/**
 * A token with a wrong signature: who accepts it checks nothing, and would accept everything. It is shown once a run before
 * the first look, and once after the first acceptance.
 * @param controlled who has rejected it already
 * @returns why the instance can't be asked now; null: it can
 * @throws JwtrotError `canary-proves-nothing`, unless an incident is under way
 */
async function controlFault({ at, health, canaries, send }: Show, controlled: Set<string>): Promise<string | null> {
  if (controlled.has(at)) return null;
  const control = await canaries.control(health);
  if ('fault' in control) return control.fault;
  const { status, reason } = await send(control.token);
  const verdict = verdictOf(health, status);
  if (verdict === null) return `${reason} to a canary`;
  if (verdict === 'rejected') {
    controlled.add(at);
    return null;
  }
  const message = `it accepts a token with a wrong signature (HTTP ${status}), so its answers prove nothing`;
  if (!canaries.mayStop()) return message;
  throw new JwtrotError('usage', 'canary-proves-nothing', `${at}: ${message}; no key was switched to or taken out`, {
    hint: 'let health.url name a path that only a valid token may reach, with no cache in between, and put the status of a refusal into rejected',
  });
}
