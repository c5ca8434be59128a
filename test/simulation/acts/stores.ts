import type { Actor } from '../act.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** A backup is restored, or a label moved back: manifests alone, or the keys too; now and then twice. */
export function restore({ world, random }: Actor): void {
  const { store } = world;
  if (store.backups.count < 2) return;
  const times = random.chance(0.2) ? 2 : 1;
  for (let i = 0; i < times; i += 1) {
    const commits = Math.min(random.someTime(1, 60), store.backups.count - 1);
    store.setBack(store.backups.before(commits), random.chance(0.5));
  }
}

/** Nothing is left of the store. */
export function loseStore({ world }: Actor): void {
  const { store } = world;
  if (store.manifest !== null) store.setBack(store.backups.before(Number.POSITIVE_INFINITY), true);
}

/** For a time the store answers with an old copy: within its lag, or longer. */
export function answerOld({ world, random }: Actor): void {
  const { store } = world;
  if (store.backups.count < 2) return;
  store.answerOld(store.backups.before(random.between(1, 10)), random.someTime(SECOND, 10 * MINUTE));
}

/** The state directory is gone: the host was made anew, or a disk was replaced. */
export function loseRecord({ world, random }: Actor): void {
  const host = random.pick(world.hosts);
  world.log(() => `${host.id} remembers nothing any more`);
  host.record = null;
  host.recordIsDamaged = false;
}

export function damageRecord({ world, random }: Actor): void {
  const host = random.pick(world.hosts);
  if (host.record === null) return;
  world.log(() => `what ${host.id} remembers is damaged`);
  host.recordIsDamaged = true;
}

/** An operator thinks that the store was restored, whether it was or not. */
export function recover(actor: Actor): void {
  const { world, operators, random } = actor;
  const isElsewhere = world.shape.secondHost && random.chance(0.2);
  actor.start(operators.recover(world.hosts[isElsewhere ? 1 : 0], actor.fate()));
}

/** The store does not answer for a time, shorter or longer than an incident's deadline. Mostly a key leaks, too. */
export async function outage(actor: Actor): Promise<void> {
  const { world, operators, random } = actor;
  const { store } = world;
  const keys = store.manifest?.keys.filter((key) => ['pending', 'active', 'deprecated'].includes(key.state)) ?? [];
  const leaked = keys.length === 0 ? null : random.pick(keys);
  const options = { deadline: random.pick([0, 10 * SECOND, 2 * MINUTE]), noReplacement: random.chance(0.1) };
  const begin = () =>
    store.fail(random.pick(['refuses', 'silent', 'mute'] as const), random.someTime(SECOND, 10 * MINUTE));
  if (leaked === null || random.chance(0.3)) return begin();
  // Before the outage, or during it.
  const ahead = random.chance(0.5) ? random.someTime(10, MINUTE) : null;
  if (ahead === null) begin();
  actor.start(operators.retire(leaked.kid, options, actor.fate()));
  if (ahead !== null) await operators.pass(ahead);
  if (ahead !== null) begin();
}
