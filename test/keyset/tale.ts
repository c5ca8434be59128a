import type { Algorithm } from '../../src/keyset/basics/algorithm.js';
import type { Policy } from '../../src/keyset/basics/policy.js';
import type { Key, NewKey } from '../../src/keyset/manifest/key.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import {
  type Action,
  type Block,
  type Decision,
  kidOf,
  NOTHING_ASKED,
  type PlanInput,
  type Request,
} from '../../src/keyset/planning/action.js';
import { decide } from '../../src/keyset/planning/order.js';
import { consume } from '../../src/keyset/planning/plan.js';
import { holdsWanted } from '../../src/keyset/published/differences.js';
import { fencedBy } from '../../src/keyset/published/fence.js';
import type { Holding } from '../../src/keyset/published/jwk-set.js';
import type { RetireRequest } from '../../src/keyset/questions/incidents.js';
import { activeKey, publishedKeys } from '../../src/keyset/questions/keys.js';
import * as t from '../../src/keyset/transitions/all.js';
import { effectOf } from './effects.js';
import { JWKS, newKey, POLICY, RETIRE, SIGNER_JWK, START, written } from './fixtures.js';

/**
 * A keyset and its surroundings, carried forward by the planner's own decisions: each action leads to what a run commits
 * when all goes well. A test changes what it likes in between.
 */
export class Story {
  manifest: Manifest | null = null;
  now = START;
  policy: Policy = POLICY;
  holdings: Holding[] = [
    { ...JWKS, keys: null, intact: false },
    { ...SIGNER_JWK, keys: null, intact: false },
  ];
  /** The retired keys that this run has fenced. */
  fenced: ReadonlySet<string> = new Set();
  host = { id: 'host-a', hostname: 'alpha', bound: false };
  request: Request = NOTHING_ASKED;
  blocked = new Set<Block>();
  /** How far this clock is ahead of the store's, where that is known. */
  clockOffset: number | null = null;
  reloadsUntil: number | null = null;
  /** May a reload that was ordered before the switch still bring a former key back? */
  mayReturn = false;
  /** Was the secret of a key that is being created stored before the run died? */
  secretStored = true;
  #made = 0;

  get known(): Manifest {
    if (this.manifest === null) throw new Error('there is no manifest yet');
    return this.manifest;
  }

  input(): PlanInput {
    const { holdings, fenced, host, clockOffset } = this;
    return {
      keyset: 'api',
      manifest: this.manifest,
      policy: this.policy,
      now: this.now,
      observations: { holdings, fenced, reported: [], host, clockOffset },
      request: this.request,
      blocked: this.blocked,
    };
  }

  decide(): Decision {
    return decide(this.input());
  }

  /** The decision as one word or three: `nothing`, `refused only-key`, `retire k1 expired`. */
  get next(): string {
    const decision = this.decide();
    if (decision.type === 'nothing') return 'nothing';
    return decision.type === 'refused' ? `refused ${decision.refusal.code}` : say(decision.action);
  }

  /** Does what is decided. @returns what it was */
  step(): string {
    const decision = this.decide();
    if (decision.type === 'action') {
      this.request = consume(this.request, decision.action);
      this.manifest = this.after(decision.action);
    }
    return decision.type === 'action' ? say(decision.action) : this.next;
  }

  /** A whole run in which everything confirms. @returns its actions, and the refusal that ended it, if one did */
  run(request: Partial<Request> = {}): string[] {
    this.request = { ...NOTHING_ASKED, ...request };
    this.blocked.clear();
    this.fenced = new Set();
    const done: string[] = [];
    while (done.length < 100) {
      const one = this.step();
      if (one !== 'nothing') done.push(one);
      if (one === 'nothing' || one.startsWith('refused')) {
        this.request = NOTHING_ASKED;
        return done;
      }
    }
    throw new Error(`the run does not end: ${done.slice(-5).join(', ')}`);
  }

  retire(kid: string, changes: Partial<RetireRequest> = {}): string[] {
    return this.run({ retire: { ...RETIRE, kid, ...changes }, incidentOnly: true });
  }

  key(kid: string): Key {
    return t.keyOf(this.known, kid);
  }

  get active(): string | null {
    return this.manifest === null ? null : (activeKey(this.manifest)?.kid ?? null);
  }

  /** The kids in the JWKS, as the manifest has it. */
  get jwks(): string[] {
    return publishedKeys(this.known).map((key) => key.kid);
  }

  /** `k1: deprecated, k2: active` */
  get states(): string {
    return this.known.keys.map((key) => `${key.kid}: ${key.state}`).join(', ');
  }

  makeKey(alg: Algorithm): NewKey {
    this.#made += 1;
    return newKey(`k${this.#made}`, alg);
  }

  write(): void {
    this.fenced = fencedBy(this.known);
    this.holdings = this.holdings.map((holding) => this.fresh(holding));
  }

  /** The outlet after it was written. */
  fresh(holding: Holding): Holding {
    const now = written(holding, this.known);
    return holding.kind === 'publish' && now.keys === null ? holding : now;
  }

  /** The manifest after the action, as a run commits it when all goes well. */
  after(action: Action): Manifest {
    return effectOf(this, action);
  }

  differing(manifest: Manifest): Holding[] {
    return this.holdings.filter((one) => !holdsWanted(one, manifest));
  }
}

export function say(action: Action): string {
  return `${action.type} ${kidOf(action) ?? '-'} ${action.reason}`;
}
