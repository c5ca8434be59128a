import type { Key } from '../../src/keyset/manifest/key.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { isPublished } from '../../src/keyset/manifest/states.js';
import { activeKey } from '../../src/keyset/questions/keys.js';
import { short } from './keys.js';
import { LineageChecks } from './lineage.js';
import { ProofChecks } from './proof-checks.js';
import type { Runner } from './runner.js';
import type { Secret } from './store.js';
import type { World } from './world.js';

/** After a worker's name: what it holds, and not what it accepts. */
const HELD = ' (preloaded)';

/** The promises of docs/design.md that the store can show, checked after each of its changes. */
export class Checks {
  /** The kids that each worker has reported to a run as accepted, and when the newest report came. */
  readonly #reported = new WeakMap<Runner, { readonly kids: Map<string, readonly string[]>; at: number }>();
  readonly #ended = new Set<string>();
  /** Secrets that were checked, and the key that each must belong to. */
  readonly #whole = new WeakMap<Secret, string>();
  everActive = false;
  /** `retire --no-replacement` was asked: there may be no active key. */
  mayBeKeyless = false;
  /** The runs that were asked so. */
  readonly bare = new Set<Runner>();

  readonly lineage: LineageChecks;
  readonly proof: ProofChecks;

  constructor(private readonly world: World) {
    this.lineage = new LineageChecks(world);
    this.proof = new ProofChecks(world);
  }

  /** What this run has heard so far: a late commit was decided by that. @returns puts it in force for `land` */
  asHeardNow(runner: Runner): <T>(land: () => T) => T {
    const then = this.#reported.get(runner);
    const heard = then === undefined ? undefined : { kids: new Map(then.kids), at: then.at };
    return (land) => {
      const now = this.#reported.get(runner);
      if (heard === undefined) this.#reported.delete(runner);
      else this.#reported.set(runner, heard);
      try {
        return land();
      } finally {
        if (now !== undefined) this.#reported.set(runner, now);
      }
    };
  }

  reported(runner: Runner, worker: string, kids: readonly string[]): void {
    let known = this.#reported.get(runner);
    if (known === undefined) {
      known = { kids: new Map(), at: 0 };
      this.#reported.set(runner, known);
    }
    known.kids.set(worker, kids);
    known.at = this.world.now;
  }

  /** The keys that a signer has said it has in memory. */
  preloaded(runner: Runner, worker: string, kids: readonly string[]): void {
    this.reported(runner, `${worker}${HELD}`, kids);
  }

  loggedIn(runner: Runner, instance: string): void {
    this.proof.loggedIn(runner, instance);
  }

  committed(runner: Runner, before: Manifest | null, manifest: Manifest): void {
    const { world } = this;
    this.proof.committed(before, manifest);
    const wasSetBack = world.store.isSetBack;
    this.lineage.committed(runner, before, manifest);
    for (const one of manifest.retirements) world.tokens.of(one.kid).retired = true;
    // An old manifest promises nothing; only a retire may write it.
    if (world.store.isSetBack) {
      this.#ended.clear();
      return;
    }
    // Its keys come from several histories, and nobody may have heard of some of them.
    if (runner.verb === 'store recover') {
      this.#ended.clear();
      this.#ends(null, manifest);
      this.secrets();
      return;
    }
    // The history goes on from there. A retirement that was lost before a host recorded it is known to nobody.
    if (wasSetBack) {
      this.#ended.clear();
      this.#ends(null, before ?? manifest);
    }
    if (manifest.revision !== (before?.revision ?? 0) + 1)
      world.break('manifest', 'a revision was skipped or written over');
    if (before?.keys !== manifest.keys) {
      this.proof.dropped(runner, before, manifest);
      this.#lostKeys(before, manifest);
      this.#active(before, manifest);
      this.#ends(before, manifest);
      this.#gate(runner, before, manifest);
    }
    this.#published(manifest);
    this.secrets();
  }

  /** A commit that forgets what another had recorded. */
  #lostKeys(before: Manifest | null, manifest: Manifest): void {
    if (before === null || before.keys.every(({ kid }, i) => kid === manifest.keys[i]?.kid)) return;
    const isThere = ({ kid }: Key) => manifest.keys.findLast((one) => one.kid === kid) !== undefined;
    const lost = before.keys.findLast((key) => key.state !== 'destroyed' && !isThere(key));
    if (lost !== undefined) this.world.break('I5', `${short(lost.kid)} (${lost.state}) was dropped from the manifest`);
  }

  #active(before: Manifest | null, manifest: Manifest): void {
    if (activeKey(manifest) !== null) {
      this.everActive = true;
      // The reason to have no active key is over, unless a run is about to take this very key out.
      if (before !== null && activeKey(before) === null) this.mayBeKeyless = [...this.bare].some((one) => one.alive);
      return;
    }
    if (this.everActive && !this.mayBeKeyless) this.world.break('I1', 'no key is active');
  }

  #ends(before: Manifest | null, manifest: Manifest): void {
    for (const [i, key] of manifest.keys.entries()) {
      if (key === before?.keys[i]) continue;
      const ended = key.state === 'retired' || key.state === 'destroyed';
      // By the pair: another pair may get the same name once nobody knows this one any more.
      if (ended) this.#ended.add(key.thumbprint);
      else if (this.#ended.has(key.thumbprint)) this.world.break('I6', `${short(key.kid)} is ${key.state} again`);
    }
  }

  /**
   * I3: a run that makes a new key active has heard from every polled verifier that it accepts the key, and from every
   * signer that says what it has preloaded that it holds the key.
   */
  #gate(runner: Runner, before: Manifest | null, manifest: Manifest): void {
    const { world } = this;
    const active = activeKey(manifest);
    const former = before?.keys.findLast((key) => key.kid === active?.kid);
    if (active === null || former?.state !== 'pending') return;
    const urgent = manifest.rollout?.immediate === true;
    if (urgent) world.tokens.of(active.kid).urgentAt = world.now;
    if (this.#isPastDeadline(runner, before, manifest)) {
      world.tokens.of(active.kid).ungatedAt = world.now;
      return;
    }
    const heard = this.#reported.get(runner);
    const mayStopSigning = before !== null && activeKey(before) !== null;
    // The run may have been stopped since, right before it sent the commit.
    const listedAt = (heard?.at ?? world.now) - 600_000;
    for (const service of world.services) {
      // Nothing can stop to sign while no key signs: then nobody is asked what it holds.
      const proofs = [
        ...(service.verifiesFrom === null ? [] : ['']),
        ...(service.preloads && mayStopSigning ? [HELD] : []),
      ];
      for (const instance of service.instances) {
        if (instance.bornAt > listedAt) continue; // it came after the gate had listed them
        const names = instance.workers.flatMap(({ name }) => proofs.map((proof) => `${name}${proof}`));
        const silent = names.filter((name) => !heard?.kids.get(name)?.includes(active.kid));
        for (const name of silent)
          world.break('I3', `${short(active.kid)} was activated, ${name} has not confirmed it to this run`);
      }
    }
  }

  #isPastDeadline({ verb, steadyNow }: Runner, before: Manifest | null, manifest: Manifest): boolean {
    const was = before === null ? null : activeKey(before);
    // The active key was retired before there was another: an operator waits for one.
    if (was === null && verb === 'retire') return manifest.retirements.some((one) => one.deadlineAt <= steadyNow);
    const now = manifest.keys.findLast((key) => key.kid === was?.kid);
    return was !== null && now?.state === 'retired';
  }

  /** I4: a kid stays in the JWKS while a token signed with it may live. */
  #published(manifest: Manifest): void {
    const { world } = this;
    if (world.clockWasWrong) return;
    for (const minted of world.tokens.live) {
      if (minted.retired || !world.tokens.isLive(minted)) continue;
      const key = manifest.keys.findLast((one) => one.kid === minted.kid);
      if (key === undefined || isPublished(key.state) || key.state === 'creating') continue;
      const why = minted.signers.size > 0 ? 'a signer signs with it' : `a token lives ${minted.expires - world.now} ms`;
      world.break('I4', `${short(key.kid)} (${key.state}) left the JWKS: ${why}`);
      minted.retired = true;
    }
  }

  /** I2 and I5. */
  secrets(): void {
    const { world } = this;
    if (world.store.isSetBack) return;
    const keys = world.store.manifest?.keys ?? [];
    for (const key of keys) if (isPublished(key.state) && key.hasPrivate) this.#hasSecret(key);
    for (const [thumbprint, secret] of world.store.secrets) {
      if (secret.goneAt !== null || secret.isStray) continue;
      const key = keys.findLast((one) => one.thumbprint === thumbprint);
      if (key === undefined) world.break('I5', `the secret of ${short(thumbprint)} has no entry in the manifest`);
      else if (key.state === 'destroyed')
        world.break('I5', `the secret of ${short(thumbprint)} lies under a tombstone`);
      else if (key.state === 'retired' && key.goneAt !== null && key.deleteAgainAt === null)
        world.break('I5', `the secret of ${short(thumbprint)} came after its deletion`);
    }
  }

  #hasSecret(key: Key): void {
    const { store } = this.world;
    const secret = store.secrets.get(key.thumbprint);
    if (secret === undefined && store.lost.has(key.thumbprint)) return;
    if (secret === undefined || secret.goneAt !== null) {
      this.world.break('I2', `${short(key.kid)} is ${key.state} without a secret`);
      return;
    }
    if (this.#whole.get(secret) === key.kid) return;
    this.#whole.set(secret, key.kid);
    const { wrapped } = secret;
    const holds = 'jwe' in wrapped && wrapped.jwe === `api|${key.kid}|${key.alg}|${key.thumbprint}`;
    if (!holds) this.world.break('I2', `the secret of ${short(key.kid)} is another key's`);
  }

  /** I5: nothing is destroyed that is not retired. */
  deleted(thumbprint: string): void {
    if (this.world.store.isSetBack) return;
    const key = this.world.store.manifest?.keys.find((one) => one.thumbprint === thumbprint);
    if (key !== undefined && key.state !== 'retired' && key.state !== 'destroyed')
      this.world.break('I5', `the deletion of ${short(key.kid)} was ordered while it is ${key.state}`);
    if (key !== undefined) this.proof.deleted(key);
  }
}
