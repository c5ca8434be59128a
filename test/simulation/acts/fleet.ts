import { serviceFacts } from '../../../src/config/policy.js';
import { policyProblems } from '../../../src/keyset/policy.js';
import type { Actor, Target } from '../act.js';
import type { SimService } from '../services.js';

const MINUTE = 60_000;

/** An instance that never comes back, as long as nobody takes it out of the configuration. */
export function dieForGood({ world }: Actor, { service, instance }: Target): void {
  if (service.instances.filter((one) => !one.dead).length < 2) return;
  world.log(() => `${instance.name} dies for good`);
  service.kill(instance);
}

/** Dead instances are taken out of the configuration. */
export function bury({ world }: Actor): void {
  for (const service of world.services) service.bury();
}

export function addService(actor: Actor, { service }: Target): void {
  const { world, operators, more } = actor;
  // An operator does not change the configuration under a run.
  if (world.services.length > 6 || isBusy(actor)) return;
  const name = `${service.name}+${more.between(100, 999)}`;
  if (world.services.some((one) => one.name === name)) return;
  void operators;
  const added = service.sibling(name, more.between(1, 2));
  world.services.push(added);
  world.log(() => `${name} is added to the configuration`);
}

/** It is stopped; some time later it is taken out of the configuration. */
export async function removeService(actor: Actor, { service }: Target): Promise<void> {
  const { world, operators, more } = actor;
  const left = world.services.filter((one) => one !== service);
  const facts = serviceFacts(left.map((one) => one.shape.service));
  // Such a configuration is refused before anything happens; and somebody has to sign.
  if (!left.some((one) => one.signs) || policyProblems(world.policy, facts).length > 0) return;
  world.log(() => `${service.name} is stopped for good`);
  for (const instance of service.instances) service.kill(instance);
  if (more.chance(0.5)) {
    actor.start(operators.rotate({ force: more.chance(0.5) }, actor.fate()));
    await operators.pass(actor.someTime(100, 10 * MINUTE, more));
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

/** The next reload has no effect though it is said to; and soon after the instance restarts by itself. */
export function lostReload(actor: Actor, { service, instance }: Target): void {
  const { world, more } = actor;
  service.losesReloads += 1;
  world.log(() => `${service.name} is going to lose a reload`);
  world.scheduler.after(actor.someTime(100, 10 * MINUTE, more), () => {
    if (service.instances.includes(instance) && !instance.dead) service.restart(instance, more.between(50, 5_000));
  });
  actor.start(actor.operators.rotate(more.chance(0.6) ? { force: true } : {}, actor.fate()));
}
