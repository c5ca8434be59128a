import type { Key } from '../../src/keyset/manifest/key.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { activeKey } from '../../src/keyset/questions/keys.js';
import { short } from './keys.js';
import type { Runner } from './runner.js';
import type { World } from './world.js';

/** docs/configuration.md: so often at most in a phase. */
const MOST_LOGINS = 20;

/** What a service that shows more than a kid proves, and what asking it may cost. */
export class ProofChecks {
  /** The phase that each run is in, and how often it has asked each instance for a token in each. */
  readonly #asked = new WeakMap<Runner, Map<string, number>>();
  readonly #rejected = new WeakMap<Runner, Set<string>>();
  readonly #phases = new WeakMap<Runner, string>();

  constructor(private readonly world: World) {}

  begins(runner: Runner, phase: string): void {
    this.#phases.set(runner, phase);
  }

  /** P1: a service that limits logins is not locked out. */
  loggedIn(runner: Runner, instance: string): void {
    const asked = this.#asked.get(runner) ?? new Map<string, number>();
    this.#asked.set(runner, asked);
    const name = `${instance} in ${this.#phases.get(runner) ?? 'the beginning'}`;
    const count = 1 + (asked.get(name) ?? 0);
    asked.set(name, count);
    if (count > MOST_LOGINS) this.world.break('P1', `${name} was asked for ${count} tokens`);
  }

  /** An instance that was right to reject a token of this key has told a run so. */
  rejected(runner: Runner, instance: string, kid: string): void {
    const known = this.#rejected.get(runner) ?? new Set<string>();
    this.#rejected.set(runner, known.add(`${instance} ${kid}`));
  }

  /** P3: no drop is confirmed before each verifier that is shown canaries has rejected one of the key. */
  dropped(runner: Runner, before: Manifest | null, manifest: Manifest): void {
    const { world } = this;
    for (const key of manifest.keys) {
      const former = before?.keys.find((one) => one.kid === key.kid);
      if (key.state !== 'retired' || key.droppedAt === null || former?.state !== 'retired' || former.droppedAt !== null)
        continue;
      if (key.publishedAt === null || !this.#hasSecret(key)) continue;
      for (const service of world.services.filter((one) => one.shape.service.health?.type === 'canary')) {
        for (const { name, bornAt } of service.instances) {
          if (bornAt > world.now - 600_000 || this.#rejected.get(runner)?.has(`${name} ${key.kid}`) === true) continue;
          world.break('P3', `${short(key.kid)} counts as dropped, ${name} has rejected no canary of it`);
        }
      }
    }
  }

  /** P4: the private half of a key is there until the last look, or until its time is over. */
  deleted(key: Key): void {
    const { world } = this;
    const { dropsByCanary, jwksMaxAge, clockSkew } = world.policy;
    if (dropsByCanary !== true || world.clockWasWrong || key.state !== 'retired' || key.publishedAt === null) return;
    const isPurged = world.store.manifest?.retirements.some(({ kid, purge }) => kid === key.kid && purge) === true;
    // The host's clock and the true one.
    const isOver = world.now >= key.retiredAt + jwksMaxAge + clockSkew;
    if (isPurged || key.droppedAt !== null || key.goneAt !== null || isOver) return;
    world.break('P4', `the deletion of ${short(key.kid)} was ordered before anybody was seen to reject it`);
  }

  #hasSecret({ thumbprint, hasPrivate }: Key): boolean {
    const secret = this.world.store.secrets.get(thumbprint);
    return hasPrivate && secret !== undefined && secret.goneAt === null;
  }

  /** P2: no switch is confirmed by a signer whose tokens carry the kid and don't verify. */
  committed(before: Manifest | null, manifest: Manifest): void {
    const done = manifest.events.at(-1);
    if (done?.type !== 'signers-confirmed' || before?.events.at(-1)?.at === done.at) return;
    const kid = activeKey(manifest)?.kid ?? '';
    const wrong = this.world.services.find((one) => one.mislabels.has(kid) && one.instances.length > 0);
    if (wrong !== undefined)
      this.world.break('P2', `${wrong.name} confirmed ${short(kid)}, and no token of it verifies`);
  }
}
