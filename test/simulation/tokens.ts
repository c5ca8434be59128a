import { isPublished } from '../../src/keyset/manifest/states.js';
import { short } from './keys.js';
import type { Content, PublishPlace } from './outlet.js';
import type { Runner } from './runner.js';
import type { Worker } from './worker.js';
import type { World } from './world.js';

/** All tokens of one kid. The youngest stands for all: a verifier accepts all of them or none. */
interface Minted {
  readonly kid: string;
  readonly signers: Set<Worker>;
  /** The true time by which the youngest token of former signers has expired by every clock. */
  expires: number;
  /** When an operator had it activated without `publishAhead` or the gate; else before all time. */
  urgentAt: number;
  /** When a deadline made it active without the gate. */
  ungatedAt: number;
  /** An operator had it retired. */
  retired: boolean;
}

/**
 * Every signer mints a token at every instant; each is presented to every verifier until it expires. Only a change of a
 * signer's key, a verifier's set or an outlet can change a verdict, so all tokens are presented at each such change.
 */
export class Tokens {
  presented = 0;
  minted = 0;
  readonly #all = new Map<string, Minted>();
  /** Kids of which a token may be live. */
  readonly #live = new Set<Minted>();
  #excusedAt = Number.NEGATIVE_INFINITY;
  readonly #verifiers = new Set<Worker>();
  readonly #unlisted: PublishPlace[] = [];
  /** Runs that are passing the gate, each with its kid: what is taken away meanwhile may go unseen. */
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

  /** Kids of which a token may be live, or was a moment ago. */
  get live(): Iterable<Minted> {
    return this.#live;
  }

  /** Everything signed so far was lost with the store, and nobody could tell: no promise is left for it. */
  excuse(): void {
    this.#excusedAt = this.world.now;
    for (const minted of this.#live) minted.retired = true;
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
    // A key that has signed may sign again without a gate: at an incident's deadline, or on the way back.
    const { manifest, isSetBack, usedBefore } = this.world.store;
    for (const key of manifest?.keys ?? []) if (isPublished(key.state) && key.signedFrom !== null) kids.add(key.kid);
    // A store that was set back does not show what has signed since. Until `store recover`, somebody may take that
    // away.
    if (isSetBack) for (const kid of usedBefore) kids.add(kid);
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
    // A signer that asks a store which was set back gets the key of that time, without any run of jwtrot in between.
    // Even if a deployment has put such a key back into a file, no verifier has it.
    const { isSetBack, backAgain } = world.store;
    const isOfThen = isSetBack && (backAgain.has(kid) || !isPublishedNow(world, kid));
    if (worker.service.asksStore && isOfThen) minted.retired = true;
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
    if (content.takenAway.has(minted.kid) || content.unseen === true || content.from <= this.#excusedAt) return;
    // Copies of an earlier set: `publishAhead` covers them, and it was waived.
    if (content.until <= minted.urgentAt || content.from < minted.ungatedAt) return;
    // Without the gate a key may be published after its activation: earlier sets lack it.
    if (minted.ungatedAt > 0 && content.from < (content.shown.get(minted.kid) ?? Number.POSITIVE_INFINITY)) return;
    const age = world.now - content.from;
    world.break('tokens', `${verifier} rejects a token of ${short(minted.kid)}: its set is ${age} ms old`);
  }
}

function isPublishedNow({ outlets: [{ publish }] }: World, kid: string): boolean {
  return publish.every(({ content }) => content.kids.includes(kid));
}
