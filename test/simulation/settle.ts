import { JwtrotError } from '../../src/keyset/error.js';
import type { KeysetResult } from '../../src/rollout/rotate.js';
import type { Operators } from './operators.js';
import { unsettled } from './settled.js';

const HOUR = 3_600_000;

/** Nothing disturbs any more: I7. */
export async function settle(operators: Operators): Promise<void> {
  const { world } = operators;
  world.disturbed = false;
  world.log(() => 'nothing disturbs any more');
  await world.scheduler.run(
    () =>
      [...world.hosts].every((host) => [...host.runners.values()].every((one) => !one.alive || one.verb === 'sync')),
    world.now + 24 * HOUR,
  );
  // As the refusal says that must be done.
  world.policy = { ...world.policy, maxKeys: world.shape.policy.maxKeys };
  for (const service of world.services) {
    service.cannotUse.clear();
    service.losesReloads = 0;
    service.bury();
    for (const worker of service.workers) if (!worker.up) worker.apply(worker.read(false));
  }
  // The longest back-off; one that was counted by a clock that was ahead ends later.
  const held = (world.store.manifest?.backoff?.until ?? 0) - world.hosts[0].now();
  await operators.pass(Math.max(26 * HOUR, held));
  const first = await finalRun(operators);
  if (first === null || world.violations.length > 0) return;
  const found = unsettled(world);
  if (first.exit !== 0) world.break('I7', `the undisturbed run ended with exit ${first.exit}: ${whatFailed(first)}`);
  else if (found.length > 0) world.break('I7', `not settled: ${found.join('; ')}`);
  else await goOn(operators, first.active);
}

function whatFailed(result: KeysetResult | null): string {
  return result?.error?.message ?? result?.problems.map((one) => one.message).join('; ') ?? 'it did not end';
}

async function finalRun(operators: Operators): Promise<KeysetResult | null> {
  const result = await operators.run();
  const error = result?.error;
  const behind = error instanceof JwtrotError && error.code === 'clock-behind';
  if (!behind) return result;
  const accepted = await operators.run({ acceptClock: true });
  if (accepted?.exit !== 0) return accepted;
  // Times that were ahead are moved back, but not before now: what they hold off comes a little later.
  await operators.pass(HOUR);
  return operators.run();
}

/** And it rotates on. */
async function goOn(operators: Operators, active: string | null): Promise<void> {
  const { world } = operators;
  for (let i = 0; i < 3; i += 1) {
    await operators.pass(world.policy.rotateEvery + world.policy.publishAhead);
    if (world.violations.length > 0) return;
    const result = await operators.run();
    if (world.violations.length > 0) return;
    if (result?.exit !== 0) world.break('I7', `a later run ended with exit ${result?.exit}: ${whatFailed(result)}`);
  }
  const found = unsettled(world);
  if (found.length > 0) world.break('I7', `not settled later: ${found.join('; ')}`);
  if (world.store.manifest?.keys.find((key) => key.kid === active)?.state === 'active')
    world.break('I7', 'it rotates no more');
}
