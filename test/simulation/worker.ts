import type { Content, PublishPlace } from './outlet.js';
import type { SimService } from './services.js';

const NOTHING: Content = { kids: [], absent: true, from: 0, until: 0, takenAway: new Set(), shown: new Map() };

export interface Reading {
  readonly kid: string | null;
  readonly view: Content;
  readonly order: number;
  /** Of which life of the process. */
  readonly life: number;
}

/** One process of a service: what it signs with, and the JWKS it checks tokens with. */
export class Worker {
  kid: string | null = null;
  view: Content = NOTHING;
  up = false;
  #applied = 0;
  #life = 0;
  /** It has loaded nothing yet. */
  #isNew = true;

  constructor(
    readonly service: SimService,
    readonly name: string,
  ) {}

  /**
   * What it reads now, to take effect at once or later.
   * @param staleness true: perhaps from a cache; else how old a copy, in milliseconds
   * @param mayLag a signer that asks the store may be answered by a replica that lags behind; one that takes its time is not
   */
  read(staleness: boolean | number, mayLag = true): Reading {
    const { service } = this;
    const { world } = service;
    const place: PublishPlace | null = service.verifiesFrom;
    const { jwksMaxAge } = world.shape.policy;
    const stale = staleness === true && jwksMaxAge > 0 && world.faulty('stale');
    const age = typeof staleness === 'number' ? staleness : stale ? world.faults.between(0, jwksMaxAge) : 0;
    return {
      kid: service.signs ? service.deliveredKid(staleness === true && mayLag) : null,
      view: place === null ? NOTHING : place.read(age),
      order: world.nextOrder(),
      life: this.#life,
    };
  }

  apply(read: Reading): void {
    const { service } = this;
    // What a process that has gone had read went with it.
    if (read.life !== this.#life) return;
    const { world } = service;
    // Where nothing is published ahead, an old reload that ends after a later one would bring the set of before the gate
    // back, with nothing to cover that time: such verifiers must take their reloads in order, the documentation says.
    // Elsewhere one may overtake the other.
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
    const broken = read.kid !== null && service.cannotUse.has(read.kid);
    const kid = broken ? null : read.kid;
    if (broken) this.up = false;
    const former = this.kid;
    this.kid = kid;
    if (former !== kid) world.tokens.signs(this, former, kid);
  }

  stop(): void {
    this.up = false;
    this.#life += 1;
    this.#isNew = true;
    const former = this.kid;
    this.kid = null;
    if (former !== null) this.service.world.tokens.signs(this, former, null);
  }
}
