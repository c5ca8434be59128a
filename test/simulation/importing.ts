import type { Actor } from './act.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const LONGEST_LEASE = 4 * 60 * MINUTE;

/** Services have a key of their own. Before anything else, jwtrot is set up beside them and adopts it. */
export async function importFirst(actor: Actor): Promise<void> {
  const { world, operators, random } = actor;
  const { publicJwk, thumbprint } = world.keys.make(world.policy.alg);
  for (const outlets of world.outlets) for (const place of outlets.publish) place.set([thumbprint]);
  const workers = world.services.flatMap((service) => service.workers);
  for (const worker of workers) worker.apply({ ...worker.read(false), kid: null });
  for (const outlets of world.outlets) for (const place of outlets.deliver) place.put(thumbprint);
  for (const worker of workers) if (worker.service.signs) worker.apply({ ...worker.read(false), kid: thumbprint });
  // The timer is on already: it must refuse where it can see the key.
  if (world.bound && random.chance(0.5)) {
    await operators.until(operators.rotate({}, actor.fate()), 10 * MINUTE);
    if (world.store.manifest !== null) world.break('import', 'a key that is in use was not seen');
  }
  // Several times as long as another run's lease may last.
  const until = world.now + LONGEST_LEASE;
  for (let attempt = 0; (attempt < 20 || world.now < until) && !isActive(actor, thumbprint); attempt += 1) {
    const privateKey = new Uint8Array(Buffer.from(thumbprint));
    const key = { kid: thumbprint, thumbprint, alg: world.policy.alg, publicJwk, privateKey };
    await operators.until(operators.adopt(key, attempt < 5 ? actor.fate() : undefined), 4 * 60 * MINUTE);
    // A key that neither an outlet nor the manifest shows can't keep anybody from replacing it.
    const isSeen = world.bound || world.store.manifest !== null;
    if (random.chance(0.3) && isSeen) await operators.until(operators.rotate({}, actor.fate()), 10 * MINUTE);
    await operators.pass(random.someTime(SECOND, 10 * MINUTE));
  }
  if (world.violations.length === 0 && !isActive(actor, thumbprint)) world.break('import', 'the key was not adopted');
}

function isActive({ world }: Actor, kid: string): boolean {
  return world.store.manifest?.keys.some((key) => key.kid === kid && key.activatedAt !== null) ?? false;
}
