import { serviceFacts } from '../../../src/config/policy.js';
import { policyProblems } from '../../../src/keyset/basics/policy.js';
import type { Actor, Target } from '../act.js';
import type { SimService } from '../services.js';
import type { World } from '../world.js';

const MINUTE = 60_000;

/** An instance that never comes back. It stays until somebody takes it out of the configuration. */
export function dieForGood({ world }: Actor, { service, instance }: Target): void {
  if (service.instances.filter((one) => !one.dead).length < 2) return;
  world.log(() => `${instance.name} dies for good`);
  service.kill(instance);
}

/** Dead instances are taken out of the configuration. */
export function bury({ world }: Actor): void {
  for (const service of world.services) service.bury();
}

/** A signer may unwrap the next two keys no more, as after a change of its role's rights; or it may again. */
export function sealed({ world }: Actor, { service }: Target): void {
  // One that is not polled is trusted to take a new key up within `signerMaxAge`.
  if (!service.signs || !service.asksStore || service.shape.service.health === null) return;
  const next = nextKids(world, 2);
  const mayAgain = service.cannotUnwrap.size > 0;
  world.log(() => `${service.name} ${mayAgain ? 'may unwrap every key again' : "can't unwrap the next two keys"}`);
  if (mayAgain) service.cannotUnwrap.clear();
  else for (const kid of next) service.cannotUnwrap.add(kid);
}

/** The next key is taken up by name alone. Only who looks at tokens can tell: others are out of what is promised. */
export function mislabel({ world }: Actor, { service }: Target): void {
  if (service.shape.service.health?.type !== 'token') return;
  world.log(() => `${service.name} will sign with another key than its tokens name`);
  for (const kid of nextKids(world, 1)) service.mislabels.add(kid);
}

/** A verifier rejects the tokens of a key that it has, or accepts or rejects every token; or it is as it should be again. */
export function guard({ world, random }: Actor, { service }: Target): void {
  if (service.shape.service.health?.type !== 'canary') return;
  const manner = random.pick(['works', 'works', 'accepts all', 'rejects all', 'refuses'] as const);
  world.log(() => `${service.name} ${manner}${manner === 'refuses' ? ' the tokens of the next key' : ''}`);
  if (manner === 'refuses') for (const kid of nextKids(world, 1)) service.guard.refuses.add(kid);
  else if (manner === 'works') service.guard.right();
  else service.guard.manner = manner;
}

function nextKids(world: World, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `k${world.keys.made + 1 + i}`.padEnd(43, '-'));
}

export function addService(actor: Actor, { service }: Target): void {
  const { world, operators, random } = actor;
  // An operator does not change the configuration under a run.
  if (world.services.length > 6 || isBusy(actor)) return;
  // A service that starts on a set which a deployment has put there is nobody's to find: no run knows that it is new.
  const active = world.store.manifest?.keys.find((key) => key.state === 'active')?.kid;
  const isSetBack = world.outlets.some(({ publish }) =>
    publish.some(({ content }) => active !== undefined && content !== null && !content.kids.includes(active)),
  );
  if (isSetBack) return;
  const name = `${service.name}+${random.between(100, 999)}`;
  if (world.services.some((one) => one.name === name)) return;
  void operators;
  const added = service.sibling(name, random.between(1, 2));
  world.services.push(added);
  world.log(() => `${name} is added to the configuration`);
}

/** A service is stopped; some time later it is taken out of the configuration. */
export async function removeService(actor: Actor, { service }: Target): Promise<void> {
  const { world, operators, random } = actor;
  const left = world.services.filter((one) => one !== service);
  const facts = serviceFacts(left.map((one) => one.shape.service));
  // A configuration without it may be refused before anything happens, and some service has to sign.
  if (!left.some((one) => one.signs) || policyProblems(world.policy, facts).length > 0) return;
  world.log(() => `${service.name} is stopped for good`);
  for (const instance of service.instances) service.kill(instance);
  if (random.chance(0.5)) {
    actor.start(operators.rotate({ force: random.chance(0.5) }, actor.fate()));
    await operators.pass(random.someTime(100, 10 * MINUTE));
  }
  take(world.services, service);
  world.log(() => `${service.name} is taken out of the configuration`);
}

function take(services: SimService[], service: SimService): void {
  const at = services.indexOf(service);
  if (at >= 0) services.splice(at, 1);
}

function isBusy({ world }: Actor): boolean {
  return world.hosts.some((host) => [...host.runners.values()].some((runner) => runner.alive));
}

/** The next reload has no effect although it reports success. Soon after, the instance restarts by itself. */
export function lostReload(actor: Actor, { service, instance }: Target): void {
  const { world, random } = actor;
  service.losesReloads += 1;
  world.log(() => `${service.name} is going to lose a reload`);
  const down = random.between(50, 5_000);
  world.scheduler.after(random.someTime(100, 10 * MINUTE), () => {
    if (service.instances.includes(instance) && !instance.dead) service.restart(instance, down);
  });
  actor.start(actor.operators.rotate(random.chance(0.6) ? { force: true } : {}, actor.fate()));
}
