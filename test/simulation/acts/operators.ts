import { wayBack } from '../../../src/keyset/planning/rollback.js';
import type { Actor } from '../act.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

export function retire(actor: Actor, bare: boolean): void {
  const { world, operators, random } = actor;
  const keys = world.store.manifest?.keys.filter((key) => key.state !== 'destroyed') ?? [];
  if (keys.length === 0) return;
  const { kid } = random.pick(keys);
  const deadline = random.pick([10 * SECOND, 2 * MINUTE]);
  const options = { deadline, noReplacement: bare, purge: random.chance(0.2) };
  actor.start(operators.retire(kid, options, actor.fate()));
}

/** One of the keys that matter most: the one that signs, or the one that will. */
export function retireNew(actor: Actor): void {
  const { world, operators, random } = actor;
  const keys = world.store.manifest?.keys.filter((key) => ['pending', 'active', 'creating'].includes(key.state)) ?? [];
  if (keys.length === 0) return;
  const { kid } = random.pick(keys);
  const deadline = random.pick([10 * SECOND, 2 * MINUTE]);
  actor.start(operators.retire(kid, { deadline, purge: random.chance(0.2) }, actor.fate()));
}

/** `jwtrot rollback`, as jwtrot tells the operator to run it. */
export function rollback(actor: Actor): void {
  const { world, operators } = actor;
  if (world.store.manifest === null) return;
  const way = wayBack(world.store.manifest);
  if (!('code' in way)) actor.start(operators.rotate({ rollback: way.to.kid }, actor.fate()));
}

/** Three runs at once, on both hosts if both may. */
export async function burst(actor: Actor): Promise<void> {
  const { world, operators, random } = actor;
  const hosts =
    world.shape.secondHost && !world.bound && world.store.manifest !== null ? world.hosts : [world.hosts[0]];
  for (let i = 0; i < 3; i += 1) {
    const asked = random.pick([{}, { force: true }, { force: true }, { force: true, immediate: true }]);
    actor.start(operators.rotate(asked, actor.fate(), random.pick(hosts)));
    if (random.chance(0.7)) await operators.pass(random.between(1, 2_000));
  }
}

export function deploy({ world, random }: Actor): void {
  const [outlets] = world.outlets;
  const place = random.pick(outlets.publish);
  const former = place.history.filter((one) => !one.absent);
  if (former.length > 0 && place.outlet.type !== 'command') outlets.setBack(place, random.pick(former).kids);
}

/** Another issuer's public key, verify-only. */
export function importPublic(actor: Actor): void {
  const { world, operators } = actor;
  if (world.store.manifest === null) return;
  const { publicJwk, thumbprint } = world.keys.make(world.policy.alg);
  const key = { kid: thumbprint, thumbprint, alg: world.policy.alg, publicJwk, privateKey: null };
  actor.start(operators.adopt(key, actor.fate()));
}
