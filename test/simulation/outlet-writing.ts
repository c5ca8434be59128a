import { JwtrotError } from '../../src/keyset/basics/error.js';
import type { OutletContent } from '../../src/keyset/published/jwk-set.js';
import type { OutletWriter } from '../../src/outlets/outlet.js';
import { goneKeys } from '../../src/outlets/subtract.js';
import { DeliverPlace } from './deliver-place.js';
import { deliverByCommand } from './delivering.js';
import { short } from './keys.js';
import { PublishPlace, sameKids, wantedKids } from './outlet.js';
import { type Done, failureOf, judge, type Place, problemOf, remember, rememberLess } from './outlet-verdict.js';
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
    const places = [...this.publish, ...this.deliver];
    return {
      write: async (content, privateKey, { otherHistory, again, signal }) => {
        const { world } = this;
        const verdicts = await world.call(runner, () =>
          places.map((place) => judge(place, runner, content, otherHistory)),
        );
        signal.throwIfAborted();
        const ended = await Promise.allSettled(
          places.map(async (place, i): Promise<Done> => {
            const verdict = verdicts[i] ?? { do: 'write', because: null };
            if (verdict.do === 'write') {
              const wrote =
                place instanceof PublishPlace
                  ? await this.#writePublish(runner, place, content, again)
                  : await this.#writeDeliver(runner, place, content, privateKey);
              return { wrote, problem: null };
            }
            const wrote = verdict.do === 'subtract' && (await this.#takeOut(runner, place, content));
            return { wrote, problem: problemOf(place.label, verdict.because, content) };
          }),
        );
        const did = (some: readonly Place[]) =>
          places.some((place, i) => some.includes(place) && ended[i]?.status === 'fulfilled' && ended[i].value.wrote);
        return {
          publish: did(this.publish),
          deliver: did(this.deliver),
          problems: ended.flatMap((one, i) => failureOf(places[i]?.label ?? '', one, content)),
        };
      },
    };
  }

  /** The keys that an incident retires, and nothing else. */
  #takeOut(runner: Runner, place: Place, content: OutletContent): Promise<boolean> {
    const { world } = this;
    const gone = goneKeys(content).map(({ kid }) => kid);
    return world.call(runner, () => {
      // The operator has retired it, even if the store is not told for a long time.
      for (const kid of gone) world.tokens.of(kid).retired = true;
      if (place instanceof DeliverPlace) {
        const kid = place.shown();
        if (kid === null || !gone.includes(kid)) return false;
        if (place.isCommand) return false;
        rememberLess(place, runner, null);
        place.put(null);
        return true;
      }
      const left = place.content.kids.filter((kid) => !gone.includes(kid));
      if (left.length === place.content.kids.length || (left.length === 0 && !content.allowEmpty)) return false;
      rememberLess(place, runner, left);
      world.say(runner, () => `takes ${gone.map(short).join(' ')} out of ${place.label}`);
      if (place.outlet.type === 'command') place.given = { ...place.given, kids: left };
      // What an outsider took away before is still the outsider's doing.
      const { takenAway } = place.content;
      place.set(left, takenAway.size === 0 ? {} : { takenAway });
      return true;
    });
  }

  async #writePublish(runner: Runner, place: PublishPlace, content: OutletContent, again: boolean): Promise<boolean> {
    const { world } = this;
    const { outlet } = place;
    const kids = wantedKids(content, outlet);
    let busyUntil: number | null = null;
    const held = await world.call(runner, () => {
      remember(place, runner, content, kids);
      if (kids === null) return true;
      if (outlet.type !== 'command') return !place.content.absent && sameKids(place.content.kids, kids);
      const now = runner.host.now();
      const known = place.heldByCommand(now);
      if (!again && place.given.settled && known !== null && sameKids(known, kids)) return true;
      const { until } = place.given;
      busyUntil = until !== null && until > now ? until : null;
      place.given = { ...place.given, settled: false, until: Math.max(now + outlet.timeout, busyUntil ?? 0) };
      return false;
    });
    if (held || kids === null) return false;
    if (outlet.type === 'directory') {
      await this.#writeFiles(runner, place, kids, content);
      return true;
    }
    if (outlet.type === 'file') {
      await world.call(runner, () => {
        if (world.strikes(runner.source, 'outlet') !== null)
          throw new JwtrotError('services', 'outlet-failed', `${place.label}: the disk is full`);
        world.say(runner, () => `publishes ${kids.map(short).join(' ')} (revision ${content.revision})`);
        // What appeared between its last look and this write was there unseen.
        if (place.content.from > runner.lookedAt) place.content.unseen = true;
        world.checks.lineage.published(runner, place, kids);
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

  /** File by file, so a run may be killed between two of them: a leaked key goes once the active one is there, and new keys come before old ones go. */
  async #writeFiles(
    runner: Runner,
    place: PublishPlace,
    kids: readonly string[],
    content: OutletContent,
  ): Promise<void> {
    const { world } = this;
    const put = (change: (held: readonly string[]) => readonly string[]) =>
      world.call(runner, () => {
        const left = change(place.content.kids);
        const { takenAway } = place.content;
        if (left.length > place.content.kids.length) {
          if (world.strikes(runner.source, 'outlet') !== null)
            throw new JwtrotError('services', 'outlet-failed', `${place.label}: the disk is full`);
          world.checks.lineage.published(runner, place, left);
        }
        // Until the last file is there, what an outsider took away is still the outsider's doing.
        const isDone = kids.every((kid) => left.includes(kid));
        if (left.length !== place.content.kids.length) place.set(left, isDone ? {} : { takenAway });
      });
    const gone = goneKeys(content).map(({ kid }) => kid);
    await world.call(runner, () => {
      world.say(runner, () => `writes files of ${kids.map(short).join(' ')} (revision ${content.revision})`);
      // What appeared between its last look and this write was there unseen.
      if (place.content.from > runner.lookedAt) place.content.unseen = true;
    });
    let failed: unknown = null;
    const add = (kid: string) =>
      put((held) => (held.includes(kid) ? held : [...held, kid])).catch((error: unknown) => {
        failed = error;
      });
    for (const kid of kids.filter((one) => one === content.active?.kid)) await add(kid);
    await put((held) => held.filter((kid) => !gone.includes(kid)));
    for (const kid of kids) await add(kid);
    if (failed !== null) throw failed;
    for (const kid of place.content.kids.filter((kid) => !kids.includes(kid)))
      await put((held) => held.filter((one) => one !== kid));
  }

  /** The command is a process of its own: it may finish its work after its run was killed. */
  #runCommand(runner: Runner, place: PublishPlace, kids: readonly string[], revision: number, timeout: number) {
    const { world } = this;
    const slow = world.strikes(runner.source, 'outlet')?.random ?? null;
    const took = slow?.between(1, timeout) ?? runner.source.stream('commands').between(1, 200);
    const before = place.slowCommands.shift() ?? took;
    return world.call(
      runner,
      () => {
        if (slow?.chance(0.3)) throw new JwtrotError('services', 'outlet-command-failed', 'it failed');
        const isOlder = revision < place.taken;
        if (!place.options.heedsRevision || !isOlder) {
          place.taken = Math.max(place.taken, revision);
          world.say(runner, () => `command publishes ${kids.map(short).join(' ')} (revision ${revision})`);
          // If its run was stopped before it, a command that ignores the revision acts like an outsider: nobody can
          // hold it back. Afterwards its place is seen to differ, as after any deployment.
          const outside = isOlder ? { takenAway: world.tokens.inUse() } : {};
          if (!isOlder) world.checks.lineage.published(runner, place, kids);
          if (!sameKids(place.content.kids, kids) || place.content.absent) place.set(kids, outside);
        }
        if (slow?.chance(0.3)) throw new JwtrotError('services', 'outlet-command-failed', 'no exit');
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
      remember(place, runner, content, active === null ? null : [active.kid]);
      const shown = place.shown();
      if (active === null) return shown === null;
      return shown === active.kid && place.isIntact(runner.host.now());
    });
    if (held) return false;
    const key = active === null ? null : Buffer.from(await privateKey()).toString();
    if (active !== null && key !== active.thumbprint)
      world.break('I2', `the key delivered as ${short(active.kid)} is ${key}`);
    if (place.isCommand) {
      await deliverByCommand(world, runner, place, content);
      return true;
    }
    await world.call(runner, () => {
      world.say(runner, () => `delivers ${short(active?.kid)} (revision ${content.revision})`);
      place.put(active?.kid ?? null);
    });
    return true;
  }
}
