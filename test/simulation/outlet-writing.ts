import { JwtrotError } from '../../src/keyset/error.js';
import type { OutletContent } from '../../src/keyset/projection.js';
import type { OutletWriter, Written } from '../../src/outlets/outlet.js';
import { short } from './keys.js';
import { type DeliverPlace, type PublishPlace, sameKids, wantedKids } from './outlet.js';
import type { Runner } from './runner.js';
import type { World } from './world.js';

/** How a run that holds the lock writes the outlets of its host. */
export class OutletWriting {
  constructor(
    private readonly world: World,
    readonly publish: readonly PublishPlace[],
    readonly deliver: readonly DeliverPlace[],
  ) {}

  writer(runner: Runner): OutletWriter {
    return {
      write: async (content, privateKey, { acceptOlder, again, signal }) => {
        const { world } = this;
        await world.call(runner, () => this.#assertMayWrite(content, acceptOlder));
        signal.throwIfAborted();
        const ended = await Promise.allSettled([
          ...this.publish.map((place) => this.#writePublish(runner, place, content, again)),
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

  async #writePublish(runner: Runner, place: PublishPlace, content: OutletContent, again: boolean): Promise<boolean> {
    const { world } = this;
    const kids = wantedKids(content);
    const { outlet } = place;
    let busyUntil: number | null = null;
    const held = await world.call(runner, () => {
      place.mark = content.revision;
      if (kids === null) return true;
      if (outlet.type === 'file') return !place.content.absent && sameKids(place.content.kids, kids);
      const now = runner.host.now();
      const known = place.heldByCommand(now);
      if (!again && place.given.settled && known !== null && sameKids(known, kids)) return true;
      const { until } = place.given;
      busyUntil = until !== null && until > now ? until : null;
      place.given = { ...place.given, settled: false, until: Math.max(now + outlet.timeout, busyUntil ?? 0) };
      return false;
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
      const again = busyUntil === null ? null : Math.max(busyUntil, runner.host.now() + 5_000);
      place.given = { kids, settled: true, until: again };
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
        const isOlder = revision < place.taken;
        if (!place.options.heedsRevision || !isOlder) {
          place.taken = Math.max(place.taken, revision);
          world.say(runner, () => `command publishes ${kids.map(short).join(' ')} (revision ${revision})`);
          // A command that ignores the revision does what an outsider does when its run had been stopped before it: nobody
          // can hold it back. Its place is seen to differ afterwards, as after any deployment.
          const outside = isOlder ? { takenAway: world.tokens.inUse() } : {};
          if (!sameKids(place.content.kids, kids) || place.content.absent) place.set(kids, outside);
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
}
