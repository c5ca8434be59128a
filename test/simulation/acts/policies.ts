import { serviceFacts } from '../../../src/config/policy.js';
import { type Policy, policyProblems } from '../../../src/keyset/basics/policy.js';
import type { Actor } from '../act.js';
import { UNDISTURBED } from '../runner.js';

const SECOND = 1_000;
const HOUR = 3_600_000;

/** The operator changes how long tokens live. Services mint by a longer time only after a run has recorded it. */
export function changePolicy(actor: Actor): void {
  const { world, random } = actor;
  const longer = random.chance(0.5) ? 2 : 1;
  const { shape } = world;
  const maxTokenTtl = shape.policy.maxTokenTtl * longer;
  const more = maxTokenTtl - shape.policy.maxTokenTtl;
  world.policy = { ...world.policy, maxTokenTtl, verifyFor: shape.policy.verifyFor + more };
  world.log(() => `maxTokenTtl is ${maxTokenTtl} ms from now on`);
  const runner = actor.operators.rotate({}, UNDISTURBED);
  actor.start(runner);
  const take = () => {
    if (runner.runner.alive) world.scheduler.after(SECOND, take);
    else if (runner.result?.exit === 0) world.mintingPolicy = world.policy;
  };
  // Signers take up a longer life after the run, a shorter one before it.
  if (longer === 1) world.mintingPolicy = world.policy;
  else take();
}

/** Any other setting that an operator may change between two runs. */
export function changeLimits(actor: Actor): void {
  const { world, random } = actor;
  const { policy } = world;
  const { publishAhead } = world.shape.policy;
  const changes: Partial<Policy> = random.pick([
    { rotateEvery: random.pick([6, 24, 72]) * HOUR },
    { onUnconfirmed: random.pick(['auto', 'wait', 'rollback'] as const) },
    { publishAhead: publishAhead === 0 ? 0 : publishAhead * random.pick([1, 2, 10]) },
    { verifyFor: world.shape.policy.verifyFor * random.pick([1, 3]) },
    { rollout: { batch: random.pick([1, 2, 'canary', 'all'] as const) } },
    { maxKeys: random.pick([3, 5, 40]) },
  ]);
  const next = { ...policy, ...changes };
  // Such a configuration is refused before anything happens.
  if (policyProblems(next, serviceFacts(world.services.map((one) => one.shape.service))).length > 0) return;
  world.policy = next;
  world.log(() => `the policy is changed: ${JSON.stringify(changes)}`);
}

export function changeAlg(actor: Actor): void {
  const { world, random } = actor;
  world.policy = { ...world.policy, alg: random.pick(['ES256', 'ES384', 'EdDSA'] as const) };
  world.log(() => `alg is ${world.policy.alg} from now on`);
  if (random.chance(0.7)) actor.start(actor.operators.rotate({ changeAlg: true }, actor.fate()));
}
