import type { Source } from './injected.js';
import type { Content, PublishPlace } from './outlet.js';
import type { SimService } from './services.js';

const NOTHING: Content = {
  kids: [],
  absent: true,
  from: 0,
  until: 0,
  takenAway: new Set(),
  isForeign: false,
  shown: new Map(),
};

const NO_KEYS = { kid: null, preloaded: [] };

export interface Reading {
  readonly kid: string | null;
  readonly preloaded: readonly string[];
  readonly view: Content;
  readonly order: number;
  /** The life of the process that it belongs to. */
  readonly life: number;
}

/** One process of a service: what it signs with, and the JWKS it checks tokens with. */
export class Worker {
  kid: string | null = null;
  /** The keys whose private half it has in memory. */
  preloaded: readonly string[] = [];
  /** The kid that it puts into tokens which it signs with another key. */
  mislabeled: string | null = null;
  view: Content = NOTHING;
  up = false;
  #applied = 0;
  #life = 0;
  /** It has loaded nothing yet. */
  #isNew = true;

  readonly #source: Source;

  constructor(
    readonly service: SimService,
    readonly name: string,
  ) {
    this.#source = service.world.source(name);
  }

  /**
   * What it reads now, to take effect at once or later.
   * @param staleness true: perhaps from a cache; else how old a copy, in milliseconds
   * @param mayLag a signer that asks the store may be answered by a lagging replica; not if it takes its time
   */
  read(staleness: boolean | number, mayLag = true): Reading {
    const { service } = this;
    const { world } = service;
    const place: PublishPlace | null = service.verifiesFrom;
    const { jwksMaxAge } = world.shape.policy;
    const mayBeCached = place !== null && staleness === true && jwksMaxAge > 0;
    const stale = mayBeCached ? world.strikes(this.#source, 'stale') : null;
    const age = typeof staleness === 'number' ? staleness : (stale?.random.between(0, jwksMaxAge) ?? 0);
    const found = service.signs ? service.foundKeys(this.#source, staleness === true && mayLag) : NO_KEYS;
    return {
      ...found,
      view: place === null ? NOTHING : place.read(age),
      order: world.nextOrder(),
      life: this.#life,
    };
  }

  apply(read: Reading): void {
    const { service } = this;
    // What a process had read is gone with it.
    if (read.life !== this.#life) return;
    const { world } = service;
    // Without publishing ahead, an old reload that ends after a later one would bring back the set from before the
    // gate, and nothing would cover that time. The documentation says that such verifiers must take reloads in order.
    // With publishing ahead, one reload may overtake another.
    const inOrder = world.shape.policy.publishAhead === 0 && service.verifiesFrom !== null;
    if (inOrder && read.order < this.#applied) return;
    this.#applied = read.order;
    this.up = true;
    if (service.verifiesFrom !== null) {
      // A reload that finds no file keeps what it has; a process that starts has nothing.
      if (!read.view.absent || this.#isNew) this.view = read.view;
      world.tokens.verifies(this);
    }
    this.#isNew = false;
    if (!service.signs) return;
    this.preloaded = read.preloaded;
    this.mislabeled = read.kid !== null && service.mislabels.has(read.kid) ? read.kid : null;
    const broken = read.kid !== null && service.cannotUse.has(read.kid);
    const kid = broken || this.mislabeled !== null ? null : read.kid;
    if (broken) this.up = false;
    const former = this.kid;
    // One that can't unwrap the key keeps the one that it has.
    if (kid !== null && service.cannotUnwrap.has(kid)) return;
    this.kid = kid;
    if (former !== kid) world.tokens.signs(this, former, kid);
  }

  stop(): void {
    this.up = false;
    this.#life += 1;
    this.#isNew = true;
    this.preloaded = [];
    this.mislabeled = null;
    const former = this.kid;
    this.kid = null;
    if (former !== null) this.service.world.tokens.signs(this, former, null);
  }
}
