import { JwtrotError } from '../../src/keyset/error.js';
import type { Holding, OutletContent } from '../../src/keyset/projection.js';
import type { OutletPort, OutletWriter, Unread, Written } from '../../src/outlets/outlet.js';
import { short } from './keys.js';
import { type DeliverPlace, type PublishPlace, sameKids, wantedKids } from './outlet.js';
import type { Runner } from './runner.js';
import type { World } from './world.js';

interface Waiter {
  readonly runner: Runner;
  readonly take: () => void;
}

/** The outlets of one host, behind the lock that the kernel frees when its holder dies. */
export class HostOutlets {
  #holder: Runner | null = null;
  #waiting: Waiter[] = [];

  constructor(
    private readonly world: World,
    readonly publish: readonly PublishPlace[],
    readonly deliver: readonly DeliverPlace[],
  ) {}

  port(runner: Runner): OutletPort {
    const { world } = this;
    return {
      publish: this.publish.map((place) => place.outlet),
      deliver: this.deliver.map((place) => place.outlet),
      observe: () =>
        world.call(runner, () => {
          runner.lookedAt = world.now;
          return this.#observe();
        }),
      locked: async (timeout, use) => {
        await this.#lock(runner, timeout);
        try {
          return await use(this.#writer(runner));
        } finally {
          this.#unlock(runner);
        }
      },
      readBack: (content, deadline) => this.#readBack(runner, content, deadline),
      cacheable: async () => [],
    };
  }

  #observe(): Holding[] {
    const named = (kids: readonly string[]) => kids.map((kid) => ({ kid, thumbprint: kid }));
    return [
      ...this.publish.map((place): Holding => {
        const isCommand = place.outlet.type === 'command';
        const kids = isCommand ? place.given.kids : place.content.absent ? null : place.content.kids;
        return {
          outlet: place.label,
          kind: 'publish',
          format: 'jwks',
          keys: kids === null ? null : named(kids),
          intact: kids !== null && (!isCommand || place.given.settled),
        };
      }),
      ...this.deliver.map(
        (place): Holding => ({
          outlet: place.label,
          kind: 'deliver',
          format: 'jwk',
          keys: place.kid === null ? null : named([place.kid]),
          intact: place.kid !== null,
        }),
      ),
    ];
  }

  #lock(runner: Runner, timeout: number): Promise<void> {
    const { world } = this;
    return new Promise((resolve, reject) => {
      const take = () => {
        this.#holder = runner;
        runner.onDeath.add(free);
        world.calls.reply(runner, 1, resolve);
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
        const busy = new JwtrotError('leased', 'outlet-busy', 'another run is writing the outlets');
        world.calls.reply(runner, 0, () => reject(busy));
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

  #writer(runner: Runner): OutletWriter {
    return {
      write: async (content, privateKey, { acceptOlder, signal }) => {
        const { world } = this;
        await world.call(runner, () => this.#assertMayWrite(content, acceptOlder));
        signal.throwIfAborted();
        const ended = await Promise.allSettled([
          ...this.publish.map((place) => this.#writePublish(runner, place, content)),
          ...this.deliver.map((place) => this.#writeDeliver(runner, place, content, privateKey)),
        ]);
        const failure = ended.find((one) => one.status === 'rejected');
        if (failure !== undefined) throw failure.reason;
        const did = ended.map((one) => one.status === 'fulfilled' && one.value);
        const published = did.slice(0, this.publish.length);
        const written: Written = {
          publish: published.includes(true),
          deliver: did.slice(published.length).includes(true),
        };
        return written;
      },
    };
  }

  #assertMayWrite(content: OutletContent, acceptOlder: boolean): void {
    const refuse = (code: string, text: string) => new JwtrotError('refused', code, text);
    for (const place of [...this.publish, ...this.deliver]) {
      if (!acceptOlder && (place.mark ?? 0) > content.revision)
        throw refuse('older-revision', `${place.label} is of a later revision`);
    }
    for (const place of this.publish) {
      const isKnown = (kid: string) =>
        content.jwks.keys.some((key) => key.kid === kid) || content.knownKids.includes(kid);
      const unknown = place.content.kids.find((kid) => !isKnown(kid));
      if (unknown !== undefined) throw refuse('unknown-kid', `${place.label} holds ${unknown}`);
      if (wantedKids(content) === null && place.content.kids.length > 0)
        throw refuse('empty-jwks', 'it would be emptied');
    }
  }

  async #writePublish(runner: Runner, place: PublishPlace, content: OutletContent): Promise<boolean> {
    const { world } = this;
    const kids = wantedKids(content);
    const { outlet } = place;
    const held = await world.call(runner, () => {
      place.mark = content.revision;
      if (kids === null) return true;
      if (outlet.type === 'file') return !place.content.absent && sameKids(place.content.kids, kids);
      const same = place.given.settled && place.given.kids !== null && sameKids(place.given.kids, kids);
      if (!same) place.given = { ...place.given, settled: false };
      return same;
    });
    if (held || kids === null) return false;
    if (outlet.type === 'file') {
      await world.call(runner, () => {
        if (world.faulty('outlet')) throw new JwtrotError('services', 'outlet-failed', 'the disk is full');
        world.say(runner, () => `publishes ${kids.map(short).join(' ')} (revision ${content.revision})`);
        // What came between its last look and this write was there for a moment that nobody could see.
        if (place.content.from > runner.lookedAt) place.content.unseen = true;
        place.set(kids);
      });
      return true;
    }
    await this.#runCommand(runner, place, kids, content.revision, outlet.timeout);
    await world.call(runner, () => {
      place.given = { kids, settled: true };
    });
    return true;
  }

  /** The command is a process of its own: it may end its work although the run was killed. */
  #runCommand(runner: Runner, place: PublishPlace, kids: readonly string[], revision: number, timeout: number) {
    const { world } = this;
    const slow = world.faulty('outlet');
    const before = slow ? world.faults.between(1, timeout) : world.faults.between(1, 200);
    return world.call(
      runner,
      () => {
        if (slow && world.faults.chance(0.3)) throw new JwtrotError('services', 'outlet-command-failed', 'it failed');
        if (!place.options.heedsRevision || revision >= place.taken) {
          place.taken = revision;
          world.say(runner, () => `command publishes ${kids.map(short).join(' ')} (revision ${revision})`);
          if (!sameKids(place.content.kids, kids) || place.content.absent) place.set(kids);
        }
        if (slow && world.faults.chance(0.3)) throw new JwtrotError('services', 'outlet-command-failed', 'no exit');
      },
      { remote: true, before },
    );
  }

  async #writeDeliver(
    runner: Runner,
    place: DeliverPlace,
    content: OutletContent,
    privateKey: () => Promise<Uint8Array>,
  ): Promise<boolean> {
    const { world } = this;
    const { active } = content;
    const held = await world.call(runner, () => {
      place.mark = content.revision;
      return place.kid === (active?.kid ?? null);
    });
    if (held) return false;
    const key = active === null ? null : Buffer.from(await privateKey()).toString();
    if (active !== null && key !== active.thumbprint)
      world.break('I2', `the key delivered as ${short(active.kid)} is ${key}`);
    await world.call(runner, () => {
      world.say(runner, () => `delivers ${short(active?.kid)} (revision ${content.revision})`);
      place.kid = active?.kid ?? null;
    });
    return true;
  }

  async #readBack(runner: Runner, content: OutletContent, deadline: number): Promise<Unread[]> {
    const { world } = this;
    const kids = wantedKids(content);
    if (kids === null) return [];
    const look = (): Unread[] =>
      this.publish.flatMap((place) => {
        const isCommand = place.outlet.type === 'command';
        const held = isCommand ? (place.given.kids ?? []) : place.content.kids;
        if (!sameKids(held, kids)) return [{ outlet: place.label, reason: 'it does not hold what was written' }];
        const served = place.outlet.url === null || sameKids(place.content.kids, kids);
        return served ? [] : [{ outlet: place.label, reason: 'the URL serves something else' }];
      });
    const slow = world.faulty('outlet') && this.publish.some((place) => place.outlet.url !== null);
    const unread = await world.call(runner, look, slow ? { before: Math.min(deadline, 3_000) } : {});
    if (unread.length === 0 || !this.publish.some((place) => place.outlet.url !== null)) return unread;
    return world.call(runner, look, { before: Math.min(deadline, 5_000) });
  }

  /** A deployment writes what was there some time ago. */
  setBack(place: PublishPlace, kids: readonly string[]): void {
    this.world.log(() => `a deployment sets ${place.label} back to ${kids.map(short).join(' ')}`);
    place.set(kids, { takenAway: this.world.tokens.inUse() });
  }

  /** Something from outside has changed an outlet, and it was not written again since. */
  wasTamperedWith(): boolean {
    const active = this.world.store.manifest?.keys.some((key) => key.state === 'active') ?? false;
    const lost = this.deliver.some((place) => active && place.kid === null);
    return lost || this.publish.some((place) => place.content.takenAway.size > 0);
  }

  reboot(): void {
    const takenAway = this.world.tokens.inUse();
    for (const place of this.publish) {
      if (!place.options.tmpfs || place.outlet.type === 'command') continue;
      place.mark = null;
      place.set([], { absent: true, takenAway });
    }
    for (const place of this.deliver) {
      place.mark = null;
      place.kid = null;
    }
  }
}
