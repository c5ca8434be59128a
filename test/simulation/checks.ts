import type { Key, Manifest } from '../../src/keyset/model.js';
import { activeKey } from '../../src/keyset/projection.js';
import { isPublished } from '../../src/keyset/states.js';
import { short } from './keys.js';
import type { Runner } from './runner.js';
import type { Secret } from './store.js';
import type { World } from './world.js';

/** The promises of DESIGN.md that can be seen in the store, looked at after every change of it. */
export class Checks {
  /** Kids that each worker has told a run that it accepts, and when the newest of them did. */
  readonly #reported = new WeakMap<Runner, { readonly kids: Map<string, readonly string[]>; at: number }>();
  readonly #ended = new Set<string>();
  /** Secrets that were looked into, and whose they were to be. */
  readonly #whole = new WeakMap<Secret, string>();
  everActive = false;
  /** `retire --no-replacement` was asked: there may be no active key. */
  mayBeKeyless = false;

  constructor(private readonly world: World) {}

  reported(runner: Runner, worker: string, kids: readonly string[]): void {
    let known = this.#reported.get(runner);
    if (known === undefined) {
      known = { kids: new Map(), at: 0 };
      this.#reported.set(runner, known);
    }
    known.kids.set(worker, kids);
    known.at = this.world.now;
  }

  committed(runner: Runner, before: Manifest | null, manifest: Manifest): void {
    const { world } = this;
    if (manifest.revision !== (before?.revision ?? 0) + 1)
      world.break('manifest', 'a revision was skipped or written over');
    for (const one of manifest.retirements) world.tokens.of(one.kid).retired = true;
    if (before?.keys !== manifest.keys) {
      this.#lostKeys(before, manifest);
      this.#active(manifest);
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

  #active(manifest: Manifest): void {
    const active = activeKey(manifest);
    if (active !== null) {
      this.everActive = true;
      return;
    }
    if (this.everActive && !this.mayBeKeyless) this.world.break('I1', 'no key is active');
  }

  #ends(before: Manifest | null, manifest: Manifest): void {
    for (const [i, key] of manifest.keys.entries()) {
      if (key === before?.keys[i]) continue;
      const ended = key.state === 'retired' || key.state === 'destroyed';
      if (ended) this.#ended.add(key.kid);
      else if (this.#ended.has(key.kid)) this.world.break('I6', `${short(key.kid)} is ${key.state} again`);
    }
  }

  /** I3: whoever makes a new key active has heard from every polled verifier that it accepts the key. */
  #gate(runner: Runner, before: Manifest | null, manifest: Manifest): void {
    const { world } = this;
    const active = activeKey(manifest);
    const former = before?.keys.findLast((key) => key.kid === active?.kid);
    if (active === null || former?.state !== 'pending') return;
    const urgent = manifest.rollout?.immediate === true;
    if (urgent) world.tokens.of(active.kid).urgentAt = world.now;
    if (this.#isPastDeadline(before, manifest)) {
      world.tokens.of(active.kid).ungatedAt = world.now;
      return;
    }
    const heard = this.#reported.get(runner);
    // The run may have been stopped since, with the commit on its lips.
    const listedAt = (heard?.at ?? world.now) - 600_000;
    for (const service of world.services) {
      if (service.verifiesFrom === null) continue;
      for (const instance of service.instances) {
        if (instance.bornAt > listedAt) continue; // it came after the gate had listed them
        for (const worker of instance.workers) {
          if (heard?.kids.get(worker.name)?.includes(active.kid)) continue;
          world.break('I3', `${short(active.kid)} was activated, ${worker.name} has not confirmed it to this run`);
        }
      }
    }
  }

  #isPastDeadline(before: Manifest | null, manifest: Manifest): boolean {
    const was = before === null ? null : activeKey(before);
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
    const secret = this.world.store.secrets.get(key.thumbprint);
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
    const key = this.world.store.manifest?.keys.find((one) => one.thumbprint === thumbprint);
    if (key !== undefined && key.state !== 'retired' && key.state !== 'destroyed')
      this.world.break('I5', `the deletion of ${short(key.kid)} was ordered while it is ${key.state}`);
  }
}
