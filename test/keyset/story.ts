import {
  type Action,
  type Block,
  type Decision,
  NOTHING_ASKED,
  type PlanInput,
  type Request,
} from '../../src/keyset/action.js';
import { ALGORITHMS, type Algorithm } from '../../src/keyset/algorithm.js';
import { DAY, HOUR, SECOND } from '../../src/keyset/clock.js';
import {
  activeKeyBeingRetired,
  type RetireRequest,
  replacedAtDeadline,
  retirementLookedAt,
  retirementRecorded,
  retirementSettled,
} from '../../src/keyset/incident.js';
import type { Key, Manifest, PublicJwk, RetireReason } from '../../src/keyset/model.js';
import { holdsWanted, unexplained } from '../../src/keyset/outlet-plan.js';
import { consume, stageOptions, undropped } from '../../src/keyset/plan.js';
import { decide } from '../../src/keyset/planner.js';
import { POLICY_DEFAULTS, type Policy } from '../../src/keyset/policy.js';
import { activeKey, type Holding, outletContent, publishedKeys, wantedKeys } from '../../src/keyset/projection.js';
import * as t from '../../src/keyset/transitions.js';

export const START = Date.UTC(2026, 0, 1);

export const POLICY: Policy = { ...POLICY_DEFAULTS, alg: 'ES256', maxTokenTtl: 7 * DAY, verifyFor: 8 * DAY };

/** `k3`, with a thumbprint of the right shape. */
export function newKey(kid: string, alg: Algorithm = 'ES256'): t.NewKey {
  return { kid, thumbprint: kid.padEnd(43, '_'), alg, publicJwk: jwkOf(kid, alg), hasPrivate: true };
}

/** Not a point on any curve: nothing here computes with it. */
export function jwkOf(kid: string, alg: Algorithm): PublicJwk {
  const { kty, crv }: { kty: string; crv?: string } = ALGORITHMS[alg];
  if (kty === 'RSA') return { kty, n: kid, e: 'AQAB' };
  return kty === 'EC' ? { kty, crv: crv ?? '', x: kid, y: 'y' } : { kty: 'OKP', crv: crv ?? '', x: kid };
}

/** The thumbprint that `newKey` gave to this public half. */
export async function thumbprintOf(jwk: PublicJwk): Promise<string> {
  return (jwk.kty === 'RSA' ? jwk.n : jwk.x).padEnd(43, '_');
}

export const JWKS: Omit<Holding, 'keys' | 'intact'> = { outlet: '/srv/jwks.json', kind: 'publish', format: 'jwks' };
export const SIGNER_JWK: Omit<Holding, 'keys' | 'intact'> = { outlet: '/run/key.jwk', kind: 'deliver', format: 'jwk' };

/** What an outlet holds when it was just written. */
export function written(outlet: Omit<Holding, 'keys' | 'intact'>, manifest: Manifest): Holding {
  const wanted = wantedKeys(outletContent(manifest), outlet);
  return { ...outlet, intact: true, keys: wanted?.map((kid) => named(manifest, kid)) ?? null };
}

export function named(manifest: Manifest | null, kid: string): { kid: string; thumbprint: string } {
  return { kid, thumbprint: manifest?.keys.find((key) => key.kid === kid)?.thumbprint ?? kid.padEnd(43, '_') };
}

export const RETIRE = { reason: 'compromised', deadline: 120 * SECOND, noReplacement: false, purge: false } as const;

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
  host = { id: 'host-a', hostname: 'alpha', bound: false };
  request: Request = NOTHING_ASKED;
  blocked = new Set<Block>();
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
    return {
      keyset: 'api',
      manifest: this.manifest,
      policy: this.policy,
      now: this.now,
      observations: { holdings: this.holdings, reported: [], host: this.host },
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
      const asked = this.request;
      this.request = consume(asked, decision.action);
      this.manifest = this.after(decision.action, asked);
    }
    return decision.type === 'action' ? say(decision.action) : this.next;
  }

  /** A whole run in which everything confirms. @returns its actions, and the refusal that ended it, if one did */
  run(request: Partial<Request> = {}): string[] {
    this.request = { ...NOTHING_ASKED, ...request };
    this.blocked.clear();
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

  makeKey(alg: Algorithm): t.NewKey {
    this.#made += 1;
    return newKey(`k${this.#made}`, alg);
  }

  write(): void {
    this.holdings = this.holdings.map((holding) => this.fresh(holding));
  }

  /** The outlet after it was written. */
  fresh(holding: Holding): Holding {
    const now = written(holding, this.known);
    return holding.kind === 'publish' && now.keys === null ? holding : now;
  }

  protected after(action: Action, asked: Request): Manifest {
    const from = this.manifest ?? t.emptyManifest('api');
    const { now, policy } = this;
    const kid = action.kid ?? '';
    switch (action.type) {
      case 'take-over':
        return t.hostTaken(from, this.host, now);
      case 'accept-clock':
        return t.clockAccepted(from, now);
      case 'record-retirement':
        return asked.retire === null ? from : retirementRecorded(from, asked.retire, now + 60 * SECOND, now);
      case 'generate': {
        const active = activeKey(from);
        const key = this.makeKey(active === null || asked.changeAlg ? policy.alg : active.alg);
        return t.stored(t.stage(from, key, stageOptions(from, action, asked), now), key.kid, now);
      }
      case 'recover':
        return this.secretStored && from.rollout?.kid === kid
          ? t.stored(from, kid, now)
          : t.givenUp(from, kid, now + 60 * SECOND, now);
      case 'expedite':
        return t.expedited(from, asked, now);
      case 'note-outlets':
        return t.outletsFound(from, unexplained(from, this.differing(from)), now);
      case 'write-outlets':
        this.write();
        return from.keys.some((key) => key.state === 'pending' && key.publishedAt === null)
          ? t.published(from, now)
          : from;
      case 'refresh-services':
        return t.refreshed(from, now);
      case 'confirm-verifiers':
        return t.verifiersConfirmed(from, kid, now);
      case 'activate':
        return t.activated(from, kid, policy, now);
      case 'confirm-signers':
        if (action.reason === 'interrupted') return t.clocksStarted(from, policy, now);
        return this.mayReturn
          ? t.signersConfirmedForNow(from, now)
          : t.signersConfirmed(from, policy, this.reloadsUntil, now);
      case 'await-deadline':
        this.now += 2 * SECOND;
        for (const what of ['generate', 'outlets', 'rollout'] as const) this.blocked.delete(what);
        return from;
      case 'replace-at-deadline': {
        const retirement = activeKeyBeingRetired(from);
        for (const what of ['generate', 'outlets', 'rollout'] as const) this.blocked.delete(what);
        return retirement === null ? from : replacedAtDeadline(from, kid, retirement, policy, now);
      }
      case 'retire':
        return t.retired(from, kid, whyRetired(from, action), now);
      case 'confirm-drop':
        return this.dropped(from);
      case 'look-again':
        return retirementSettled(from, kid, now);
      case 'delete-secret':
        return t.deletionOrdered(from, kid, now + 7 * DAY, action.reason === 'put-in-flight', now);
      case 'destroy':
        return t.destroyed(from, kid, now);
      case 'record-policy':
        return t.policyRecorded(from, kid, policy, now);
    }
  }

  differing(manifest: Manifest): Holding[] {
    return this.holdings.filter((one) => !holdsWanted(one, manifest));
  }

  private dropped(from: Manifest): Manifest {
    const kids = undropped(from).map((key) => key.kid);
    const again = this.now + this.policy.jwksMaxAge + this.policy.clockSkew;
    return kids.reduce((next, kid) => retirementLookedAt(next, kid, again), t.dropped(from, kids, this.now));
  }
}

function whyRetired(manifest: Manifest, action: Action): RetireReason {
  const asked = manifest.retirements.find((one) => one.kid === action.kid);
  const own = action.reason === 'superseded' || action.reason === 'failed' ? action.reason : 'expired';
  return asked?.reason ?? own;
}

function say({ type, kid, reason }: Action): string {
  return `${type} ${kid ?? '-'} ${reason}`;
}

/** k1 is active and settled since `START`. */
export function settled(changes: Partial<Policy> = {}): Story {
  const story = new Story();
  story.policy = { ...POLICY, ...changes };
  story.run();
  return story;
}

/** k1 is active; k2 is staged and waits for `publishAhead`. The clock stands where it was staged. */
export function staged(changes: Partial<Policy> = {}): Story {
  const story = settled(changes);
  story.now = START + story.policy.rotateEvery - story.policy.publishAhead;
  story.run();
  return story;
}

/** k2 was just activated, k1 is deprecated; outlets are written, and no signer has confirmed. */
export function switching(changes: Partial<Policy> = {}): Story {
  const story = staged(changes);
  story.now = START + story.policy.rotateEvery;
  for (let i = 0; i < 2; i += 1) story.step();
  return story;
}

/** k2 is active, k1 deprecated, all signers confirmed. */
export function rotated(changes: Partial<Policy> = {}): Story {
  const story = switching(changes);
  story.run();
  return story;
}

export { DAY, HOUR, SECOND };
