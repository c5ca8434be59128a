import { prune } from '../../src/keyset/manifest/encoding.js';
import { type Action, NOTHING_ASKED, type Request } from '../../src/keyset/planning/action.js';
import { decide } from '../../src/keyset/planning/order.js';
import { consume, plan } from '../../src/keyset/planning/plan.js';
import { activeKeyBeingRetired, incidentDeadline } from '../../src/keyset/questions/incidents.js';
import * as t from '../../src/keyset/transitions/all.js';
import type { Lcg } from './lcg.js';
import { jwkOf, SECOND, Story, say } from './story.js';

/** How a run ended. */
export type Ending = 'done' | 'refused' | 'killed' | 'failed';

const MOST_ACTIONS = 60;

/** A keyset to which everything happens: runs that fail or die anywhere, operators, deployments, changes of policy. */
export class Walker extends Story {
  /** What was done, for the message of a failing seed. */
  readonly history: string[] = [];
  /** Kids whose retirement was asked for. */
  readonly asked = new Set<string>();
  /** Called after every commit, with what it did; null when it only records that something failed. */
  onCommit: (action: Action | null) => void = () => {};
  /** The last run was killed before it could note what it saw in the outlets. */
  killedUnnoted = false;
  /** Nothing fails any more. */
  calm = false;
  /** This run has rolled back, and no signer was asked since. */
  #turnedBack = false;

  constructor(readonly random: Lcg) {
    super();
  }

  chance(probability: number): boolean {
    return !this.calm && this.random.chance(probability);
  }

  /** One run, with whatever goes wrong in it. What it had given up on is forgotten with it. */
  perform(request: Partial<Request>): Ending {
    this.request = { ...NOTHING_ASKED, ...request };
    this.blocked.clear();
    this.fenced = new Set();
    this.killedUnnoted = false;
    this.#turnedBack = false;
    this.history.push(`run ${JSON.stringify(request)}`);
    if (!this.calm) this.checkPlan();
    for (let i = 0; i < 300; i += 1) {
      const decision = decide(this.input());
      if (decision.type === 'nothing') return this.endOf('done');
      if (decision.type === 'refused') {
        this.history.push(`refused ${decision.refusal.code}`);
        return 'refused';
      }
      const { action } = decision;
      this.history.push(`${new Date(this.now).toISOString()} ${say(action)}`);
      if (this.chance(0.04)) {
        this.killedUnnoted = action.type === 'note-outlets';
        return 'killed';
      }
      this.request = consume(this.request, action);
      const ending = this.carryOut(action);
      if (ending !== null) return ending;
    }
    throw new Error('the run does not end');
  }

  /** What a run that comes to its end must not leave undone. */
  private endOf(ending: Ending): Ending {
    const excused = this.blocked.has('outlets') || this.blocked.has('rollout');
    if (this.#turnedBack && !excused) throw new Error('signers were not taken back by the run that turned back');
    return ending;
  }

  /** The plan that `--dry-run` would print ends, and soon. */
  private checkPlan(): void {
    const { actions } = plan(this.input());
    if (actions.length >= MOST_ACTIONS) throw new Error(`a plan of ${actions.length} actions`);
  }

  private carryOut(action: Action): Ending | null {
    this.now += this.random.below(5 * SECOND);
    const before = this.manifest;
    // Without KMS an incident has to do with the keys that there are.
    const noKms = action.type === 'generate' && this.manifest !== null && this.incident();
    if (this.chance(noKms ? 0.5 : 0.12)) {
      const failed = this.fail(action);
      if (failed !== undefined) {
        if (this.manifest !== before) this.committed(null);
        return failed;
      }
    }
    if (action.type === 'generate' && this.chance(0.08)) return this.dieWhileStoring(action);
    if (action.type === 'write-outlets' && this.chance(0.05)) {
      this.write();
      this.history.push('killed before it was read back');
      return 'killed';
    }
    if (action.type === 'confirm-signers') this.#turnedBack = false;
    if (action.type === 'roll-back') this.#turnedBack = true;
    this.secretStored = !this.chance(0.5);
    this.mayReturn = this.chance(0.2);
    this.manifest = this.after(action);
    if (this.manifest !== before) this.committed(action);
    return null;
  }

  private committed(action: Action | null): void {
    if (this.manifest !== null) this.manifest = prune(this.manifest);
    this.onCommit(action);
  }

  /** Named in the manifest, and nobody knows whether its secret was stored. */
  private dieWhileStoring(action: Action): Ending {
    const before = this.manifest;
    const whole = this.after(action);
    const key = whole.keys.at(-1);
    const former = before?.rollout?.former ?? null;
    if (key === undefined || whole.rollout === null) throw new Error('nothing was staged');
    const { kid, thumbprint, alg, hasPrivate } = key;
    const options = { ...whole.rollout, former: whole.rollout.former ?? former };
    const { forced, immediate } = options;
    this.manifest = t.stage(
      before ?? t.emptyManifest('api'),
      { kid, thumbprint, alg, hasPrivate, publicJwk: jwkOf(kid, alg) },
      { forced, immediate, former: whole.rollout.former },
      this.now,
    );
    this.committed(action);
    this.history.push('killed while the secret was stored');
    return 'killed';
  }

  private incident(): boolean {
    return this.known.retirements.length > 0;
  }

  private backOff(because: string): void {
    if (!this.incident()) this.manifest = t.backedOff(this.known, because, this.now);
  }

  /** What the rollout does when the action does not succeed. Undefined: it can't fail. */
  private fail(action: Action): Ending | null | undefined {
    this.history.push(`  fails`);
    const until = incidentDeadline(this.manifest);
    const wait = this.random.below(120 * SECOND);
    this.now += until === null ? wait : Math.max(0, Math.min(wait, until - this.now));
    switch (action.type) {
      case 'generate':
        if (this.manifest === null || activeKeyBeingRetired(this.manifest) === null) return 'failed';
        this.blocked.add('generate');
        return null;
      case 'write-outlets':
        if (this.chance(0.5)) this.holdings = this.holdings.map((one) => (this.chance(0.5) ? one : this.fresh(one)));
        this.blocked.add('outlets');
        this.backOff('outlets');
        return null;
      case 'confirm-verifiers':
      case 'activate':
        this.blocked.add('rollout');
        this.backOff('gate');
        return null;
      case 'confirm-signers':
        return this.failSigners();
      case 'refresh-services':
        this.blocked.add('refresh');
        this.manifest = t.backedOff(this.known, 'refresh', this.now);
        return null;
      case 'confirm-drop':
        this.blocked.add('drop');
        this.backOff('drop');
        return null;
      case 'recheck-drop':
        this.blocked.add('recheck-drop');
        return null;
      case 'retire':
        if (!action.asksSigners) return undefined;
        this.blocked.add(`key ${action.kid}`);
        this.manifest = t.stillSigning(
          this.known,
          { kid: action.kid, signer: 'issuer' },
          { at: this.now, policy: this.policy },
        );
        return null;
      case 'recover':
      case 'delete-secret':
      case 'destroy':
        this.blocked.add(`key ${action.kid}`);
        return null;
      default:
        return undefined;
    }
  }

  private failSigners(): Ending | null {
    const { rollout } = this.known;
    if (rollout?.phase === 'switch' && rollout.direction === 'forward' && rollout.former !== null && this.chance(0.5)) {
      this.manifest = t.backedOff(
        t.rolledBack(this.known, { at: this.now, policy: this.policy }, 'broke'),
        'broke',
        this.now,
      );
      this.#turnedBack = true;
      return null;
    }
    this.blocked.add('rollout');
    this.backOff('signers');
    return null;
  }
}
