import { JwtrotError } from '../../src/keyset/basics/error.js';
import type { Holding, OutletContent } from '../../src/keyset/published/jwk-set.js';
import type { OutletPort, OutletWriter, Unfit, Unread } from '../../src/outlets/outlet.js';
import type { DeliverPlace } from './deliver-place.js';
import { sayingOf } from './delivering.js';
import { short } from './keys.js';
import { PublishPlace, sameKids, wantedKids } from './outlet.js';
import { heldSum, kidsIn } from './outlet-verdict.js';
import { OutletWriting } from './outlet-writing.js';
import type { Runner } from './runner.js';
import type { World } from './world.js';

const BUSY = 'another run is writing the outlets';

interface Waiter {
  readonly runner: Runner;
  readonly take: () => void;
}

/** The outlets of one host, behind the lock that the kernel frees when its holder dies. */
export class HostOutlets {
  #holder: Runner | null = null;
  #waiting: Waiter[] = [];
  readonly #writing: OutletWriting;

  constructor(
    private readonly world: World,
    readonly publish: readonly PublishPlace[],
    readonly deliver: readonly DeliverPlace[],
  ) {
    this.#writing = new OutletWriting(world, publish, deliver);
  }

  port(runner: Runner): OutletPort {
    const { world } = this;
    return {
      publish: this.publish.map((place) => place.outlet),
      deliver: this.deliver.map((place) => place.outlet),
      keys: async () =>
        [...this.publish, ...this.deliver].flatMap((place) => {
          const sha256 = heldSum(place);
          const kind = place instanceof PublishPlace ? ('publish' as const) : ('deliver' as const);
          return (kidsIn(place) ?? []).map((kid) => ({ outlet: place.label, kind, kid, thumbprint: kid, sha256 }));
        }),
      records: async () =>
        [
          ...this.publish.filter(({ outlet }) => outlet.type !== 'command'),
          ...this.deliver.filter(({ isCommand }) => !isCommand),
        ].flatMap((place) =>
          place.record === null ? [] : [{ ...place.record, outlet: place.label, held: async () => heldSum(place) }],
        ),
      observe: () =>
        world.call(runner, () => {
          runner.lookedAt = world.now;
          for (const place of this.publish) place.content.looked = true;
          return this.#observe(runner);
        }),
      locked: async ({ timeout, alone }, use) => {
        if (!(await this.#lock(runner, timeout))) {
          if (alone) return use(this.#lockedOut());
          throw new JwtrotError('leased', 'outlet-busy', BUSY);
        }
        try {
          return await use(this.#writing.writer(runner));
        } finally {
          this.#unlock(runner);
        }
      },
      readBack: (content, deadline) => this.#readBack(runner, content, deadline),
      cacheable: async () => [],
      undeliverable: () => world.call(runner, () => this.#undeliverable(runner)),
      unwritable: async () => [],
    };
  }

  #observe(runner: Runner): Holding[] {
    const now = runner.host.now();
    const named = (kids: readonly string[]) => kids.map((kid) => ({ kid, thumbprint: kid }));
    return [
      ...this.publish.map((place): Holding => {
        const isCommand = place.outlet.type === 'command';
        const isDirectory = place.outlet.type === 'directory';
        const isNone = place.content.absent || (isDirectory && place.content.kids.length === 0);
        const kids = isCommand ? place.heldByCommand(now) : isNone ? null : place.content.kids;
        return {
          outlet: place.label,
          kind: 'publish',
          format: place.outlet.format,
          keys: kids === null ? null : named(kids),
          intact: isDirectory || (kids !== null && (!isCommand || place.given.settled)),
          ...(isCommand && place.given.until !== null ? { busyUntil: place.given.until } : {}),
        };
      }),
      ...this.deliver.map((place) => place.holding(now, sayingOf(this.world, runner, place))),
    ];
  }

  #undeliverable(runner: Runner): Unfit[] {
    const silent = this.deliver.filter((place) => sayingOf(this.world, runner, place) === null);
    return silent.map(({ label: outlet }) => {
      return { outlet, reason: 'its holds fails', hint: null, code: 'holds-failed', kind: 'services' };
    });
  }

  /** Another run, for instance a stopped one, holds the lock. */
  isHeldUpFor(runner: Runner): boolean {
    return this.#holder !== null && this.#holder !== runner;
  }

  /** In an incident each outlet that is locked is a problem of its own. */
  #lockedOut(): OutletWriter {
    const problems = [...this.publish, ...this.deliver].map(({ label }) => ({
      outlet: label,
      code: 'outlet-busy',
      message: `${label}: ${BUSY}`,
      hint: null,
      kind: 'services' as const,
      passing: true,
    }));
    return { write: async () => ({ publish: false, deliver: false, problems }) };
  }

  /** @returns false: the lock can't be had in time */
  #lock(runner: Runner, timeout: number): Promise<boolean> {
    const { world } = this;
    return new Promise((resolve) => {
      const take = () => {
        this.#holder = runner;
        runner.onDeath.add(free);
        world.calls.reply(runner, 1, () => resolve(true));
      };
      const free = () => this.#free(runner);
      if (this.#holder === null) {
        take();
        return;
      }
      const waiter: Waiter = { runner, take };
      this.#waiting.push(waiter);
      world.scheduler.after(timeout, () => {
        if (!this.#waiting.includes(waiter)) return;
        this.#waiting = this.#waiting.filter((one) => one !== waiter);
        world.calls.reply(runner, 0, () => resolve(false));
      });
    });
  }

  #unlock(runner: Runner): void {
    if (runner.alive) this.#free(runner);
  }

  #free(runner: Runner): void {
    if (this.#holder !== runner) return;
    this.#holder = null;
    this.#waiting = this.#waiting.filter((one) => one.runner.alive);
    this.#waiting.shift()?.take();
  }

  async #readBack(runner: Runner, content: OutletContent, deadline: number): Promise<Unread[]> {
    const { world } = this;
    const look = (): Unread[] =>
      this.publish.flatMap((place) => {
        const kids = wantedKids(content, place.outlet);
        if (kids === null) return [];
        const isCommand = place.outlet.type === 'command';
        const held = isCommand ? (place.given.kids ?? []) : place.content.kids;
        if (!sameKids(held, kids)) return [{ outlet: place.label, reason: 'it does not hold what was written' }];
        const served = place.outlet.url === null || sameKids(place.content.kids, kids);
        return served ? [] : [{ outlet: place.label, reason: 'the URL serves something else' }];
      });
    const hasUrl = this.publish.some((place) => place.outlet.url !== null);
    const slow = hasUrl && world.strikes(runner.source, 'outlet') !== null;
    const unread = await world.call(runner, look, slow ? { before: Math.min(deadline, 3_000) } : {});
    if (unread.length === 0 || !this.publish.some((place) => place.outlet.url !== null)) return unread;
    return world.call(runner, look, { before: Math.min(deadline, 5_000) });
  }

  /** A deployment writes what was there some time ago. */
  setBack(place: PublishPlace, kids: readonly string[]): void {
    this.world.log(() => `a deployment sets ${place.label} back to ${kids.map(short).join(' ')}`);
    place.set(kids, { takenAway: this.world.tokens.inUse() });
  }

  /** The signing key is gone from where it was delivered. */
  hasLostKey(): boolean {
    const active = this.world.store.manifest?.keys.some((key) => key.state === 'active') ?? false;
    return this.deliver.some((place) => active && place.kid === null);
  }

  reboot(): void {
    const takenAway = this.world.tokens.inUse();
    for (const place of this.publish) {
      if (!place.options.tmpfs || place.outlet.type === 'command') continue;
      place.record = null;
      place.set([], { absent: true, takenAway });
    }
    for (const place of this.deliver.filter(({ isCommand }) => !isCommand)) {
      place.record = null;
      place.put(null);
    }
  }
}
