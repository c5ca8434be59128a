import { brokenInvariants } from '../../src/keyset/manifest/invariants.js';
import type { Key } from '../../src/keyset/manifest/key.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { isPublished } from '../../src/keyset/manifest/states.js';
import type { Action } from '../../src/keyset/planning/action.js';
import { mayBeSigning } from '../../src/keyset/questions/use.js';
import { JWKS } from './story.js';
import type { Walker } from './walker.js';

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

/** What must hold after every commit, seen from outside. */
export class Watch {
  rotations = 0;
  expiries = 0;
  /** Rolled back by hand. */
  rollbacks = 0;
  #before: Manifest | null = null;
  #shown = false;
  /** The longest `verifyFor` that was in force while a key was used. */
  readonly #verifyFor = new Map<string, number>();
  /** When the last signer was seen to be off a key; null while one may use it. */
  readonly #usedUntil = new Map<string, number | null>();
  /** Since when a key is in the JWKS outlet without a gap; and until then, for what has left it since. */
  readonly #shownSince = new Map<string, number>();
  readonly #shownBefore = new Map<string, number>();

  constructor(private readonly walker: Walker) {
    walker.onCommit = (action) => this.check(action);
  }

  private check(action: Action | null): void {
    const { known } = this.walker;
    const broken = brokenInvariants(known)[0];
    must(broken === undefined, `${broken}`);
    this.checkActive(known, action);
    const orphan = known.keys.find((key) => key.state === 'pending' && known.rollout?.kid !== key.kid);
    must(orphan === undefined, `${orphan?.kid} is pending, and no rollout is of it`);
    if (action?.type === 'activate') this.checkActivation(known);
    if (action?.type === 'roll-back') this.checkRollback(known);
    if (action !== null) this.recordPolicy(action);
    this.recordUse(known, action);
    for (const was of this.#before?.keys ?? []) {
      const is = known.keys.find((key) => key.kid === was.kid);
      must(is !== undefined || was.state === 'destroyed', `${was.kid} vanished`);
      if (is !== undefined) this.checkKey(was, is);
    }
    if (action?.type === 'write-outlets') this.checkWritten(known);
    this.lookAtOutlets();
    this.#before = known;
  }

  /** Exactly one key is active from the first on; none only by `--no-replacement`, until the next is. */
  private checkActive(known: Manifest, action: Action | null): void {
    const count = (manifest: Manifest | null) => manifest?.keys.filter((key) => key.state === 'active').length ?? 0;
    if (count(known) === 1 || count(this.#before) === 0) return;
    const asked = action?.type === 'record-retirement' && known.retirements.at(-1)?.noReplacement === true;
    must(asked, 'no key is active, and nobody asked for that');
  }

  private checkActivation(known: Manifest): void {
    this.rotations += 1;
    const { now, policy } = this.walker;
    const active = known.keys.find((key) => key.state === 'active');
    const kid = active?.kid ?? '';
    const since = this.#shownSince.get(kid);
    must(active?.confirmedAt !== null, `${kid} signs before verifiers confirmed it`);
    must(since !== undefined, `${kid} signs and is not in the JWKS`);
    const first = known.keys.every((key) => key.kid === kid || key.signedFrom === null);
    if (known.rollout?.immediate === true || first) return;
    must(now - (since ?? now) >= policy.publishAhead, `${kid} signs, and a cache may lack it`);
  }

  /** An operator's way back leads to a key that every verifier has had since before, and to none that is on its way out. */
  private checkRollback(known: Manifest): void {
    this.rollbacks += 1;
    const { kid, version } = known.keys.find((key) => key.state === 'active') as Key;
    must(!known.retirements.some((one) => one.kid === kid), `${kid} signs again, and is being retired`);
    must(this.#usedUntil.has(kid), `${kid} signs again, and never did before`);
    const pending = known.keys.find((key) => key.state === 'pending' || key.state === 'creating');
    must(pending === undefined, `${pending?.kid} waits on after the way back to v${version}`);
    must(known.backoff !== null, 'a timer may rotate at once after the way back');
  }

  private recordPolicy({ type }: Action): void {
    if (!['activate', 'roll-back', 'replace-at-deadline', 'confirm-signers', 'record-policy'].includes(type)) return;
    const { known, policy } = this.walker;
    const used = [...(this.#before?.keys ?? []).filter(mayBeSigning), ...known.keys.filter(mayBeSigning)];
    for (const { kid } of used) this.#verifyFor.set(kid, Math.max(this.#verifyFor.get(kid) ?? 0, policy.verifyFor));
  }

  private recordUse(known: Manifest, action: Action | null): void {
    for (const key of known.keys) if (key.state === 'active') this.#usedUntil.set(key.kid, null);
    // Not yet, where a reload that was ordered earlier could bring one back.
    if (action?.type !== 'confirm-signers') return;
    if (this.walker.mayReturn && action.settles !== 'former-clock') return;
    for (const key of known.keys) {
      if (key.state === 'deprecated' && this.#usedUntil.get(key.kid) === null)
        this.#usedUntil.set(key.kid, this.walker.now);
    }
  }

  private checkKey(was: Key, is: Key): void {
    const { walker } = this;
    if (was.state === 'retired') must(is.state === 'retired' || is.state === 'destroyed', `${is.kid} came back`);
    if (was.state === 'destroyed') must(is.state === 'destroyed', `${is.kid} rose from its tombstone`);
    if (!isPublished(was.state) || isPublished(is.state)) return;
    if (walker.asked.has(is.kid) || was.signedFrom === null) return;
    this.expiries += 1;
    const usedUntil = this.#usedUntil.get(is.kid) ?? null;
    must(usedUntil !== null, `${is.kid} left the JWKS while signers used it`);
    const until =
      Math.max(usedUntil ?? 0, was.signedUntil ?? 0) + (this.#verifyFor.get(is.kid) ?? 0) + walker.policy.clockSkew;
    must(walker.now >= until, `${is.kid} left the JWKS with tokens alive`);
  }

  private held(): Set<string> {
    const held = this.walker.holdings.find((one) => one.outlet === JWKS.outlet)?.keys ?? [];
    return new Set(held.map((key) => key.kid ?? ''));
  }

  private checkWritten(known: Manifest): void {
    const held = this.held();
    const emptied = this.#shown && held.size === 0;
    must(
      !emptied || known.retirements.some((one) => one.noReplacement),
      'the JWKS is empty, and nobody asked for that',
    );
    this.#shown ||= held.size > 0;
  }

  /** Called whenever outlets may have changed. */
  lookAtOutlets(): void {
    const held = this.held();
    const { now, killedUnnoted } = this.walker;
    for (const kid of held) {
      if (this.#shownSince.has(kid)) continue;
      // Only a run that was killed then saw the gap: no other can know of it.
      const before = killedUnnoted ? this.#shownBefore.get(kid) : undefined;
      this.#shownSince.set(kid, before ?? now);
    }
    for (const [kid, since] of this.#shownSince) {
      if (held.has(kid)) continue;
      this.#shownSince.delete(kid);
      this.#shownBefore.set(kid, since);
    }
  }
}
