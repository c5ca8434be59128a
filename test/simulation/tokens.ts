import { isPublished } from '../../src/keyset/states.js';
import { short } from './keys.js';
import type { Content, PublishPlace } from './outlet.js';
import type { Runner } from './runner.js';
import type { Worker } from './worker.js';
import type { World } from './world.js';

/** All tokens of one kid. The youngest stands for all of them: what accepts or rejects it does so with each. */
interface Minted {
  readonly kid: string;
  readonly signers: Set<Worker>;
  /** True time by which the youngest token of former signers has expired, by whatever clock. */
  expires: number;
  /** When it was activated without `publishAhead` or without the gate, as an operator had asked; else before all time. */
  urgentAt: number;
  /** When a deadline made it active without the gate. */
  ungatedAt: number;
  /** An operator had it retired. */
  retired: boolean;
}

/**
 * Every signer mints a token at every instant; each is presented to every verifier until it expires. Only a change can
 * change a verdict, so it is at changes that all of them are presented: of a signer's key, a verifier's set, an outlet.
 */
export class Tokens {
  presented = 0;
  minted = 0;
  readonly #all = new Map<string, Minted>();
  /** Those of which a token may live. */
  readonly #live = new Set<Minted>();
  readonly #verifiers = new Set<Worker>();
  readonly #unlisted: PublishPlace[] = [];
  /** Whose gate is passing now, and for which kid: what is taken away meanwhile may go unseen. */
  readonly activating = new Map<Runner, string>();

  constructor(private readonly world: World) {}

  addUnlisted(place: PublishPlace): void {
    this.#unlisted.push(place);
  }

  of(kid: string): Minted {
    const known = this.#all.get(kid);
    if (known !== undefined) return known;
    const minted: Minted = { kid, signers: new Set(), expires: 0, urgentAt: 0, ungatedAt: 0, retired: false };
    this.#all.set(kid, minted);
    return minted;
  }

  /** Those of which a token may live, or did a moment ago. */
  get live(): Iterable<Minted> {
    return this.#live;
  }

  isLive(minted: Minted): boolean {
    const lives = minted.signers.size > 0 || minted.expires > this.world.now;
    if (!lives) this.#live.delete(minted);
    return lives;
  }

  /** Kids whose tokens a verifier must accept. */
  inUse(): Set<string> {
    const kids = new Set([...this.activating].filter(([runner]) => runner.alive).map(([, kid]) => kid));
    for (const minted of this.#live) if (this.isLive(minted)) kids.add(minted.kid);
    // One that has signed may sign again without a gate: at an incident's deadline, or on the way back.
    const keys = this.world.store.manifest?.keys ?? [];
    for (const key of keys) if (isPublished(key.state) && key.signedFrom !== null) kids.add(key.kid);
    return kids;
  }

  /** A signer begins to use a key, or none. */
  signs(worker: Worker, former: string | null, kid: string | null): void {
    const { world } = this;
    if (former !== null) {
      const minted = this.of(former);
      minted.signers.delete(worker);
      const { maxTokenTtl } = world.mintingPolicy;
      // Two clocks meet: the signer's, which wrote `exp`, and the verifier's.
      minted.expires = Math.max(minted.expires, world.now + maxTokenTtl + world.shape.policy.clockSkew);
    }
    if (kid === null) return;
    this.minted += 1;
    const minted = this.of(kid);
    minted.signers.add(worker);
    this.#live.add(minted);
    for (const verifier of this.#verifiers) if (verifier.up) this.#present(minted, verifier.view, verifier.name);
    for (const place of this.#unlisted) {
      for (const content of place.cached(world.shape.policy.jwksMaxAge))
        this.#present(minted, content, 'an unlisted verifier');
    }
  }

  /** A verifier has loaded a set. */
  verifies(worker: Worker): void {
    this.#verifiers.add(worker);
    for (const minted of this.#live) if (this.isLive(minted)) this.#present(minted, worker.view, worker.name);
  }

  forget(worker: Worker): void {
    this.#verifiers.delete(worker);
  }

  contentChanged(place: PublishPlace): void {
    for (const minted of this.#live)
      if (this.isLive(minted)) this.#present(minted, place.content, 'an unlisted verifier');
  }

  #present(minted: Minted, content: Content, verifier: string): void {
    const { world } = this;
    this.presented += 1;
    if (content.kids.includes(minted.kid) || minted.retired || world.clockWasWrong) return;
    if (content.takenAway.has(minted.kid) || content.unseen === true) return;
    // Copies of a set that was replaced before: `publishAhead` is there for them, and was waived.
    if (content.until <= minted.urgentAt || content.from < minted.ungatedAt) return;
    // Without the gate the key may be published after it was activated: the sets until then lack it.
    if (minted.ungatedAt > 0 && content.from < (content.shown.get(minted.kid) ?? Number.POSITIVE_INFINITY)) return;
    const age = world.now - content.from;
    world.break('tokens', `${verifier} rejects a token of ${short(minted.kid)}: its set is ${age} ms old`);
  }
}
