import { JwtrotError } from '../../src/keyset/basics/error.js';
import { activeKey } from '../../src/keyset/questions/keys.js';
import type { KeysetResult } from '../../src/rollout/rotate.js';
import { followHints } from './hints.js';
import type { Operators } from './operators.js';
import { unsettled } from './settled.js';

const HOUR = 3_600_000;

/** I7: once nothing disturbs any more, one run settles everything. */
export async function settle(operators: Operators): Promise<void> {
  const { world } = operators;
  world.disturbed = false;
  world.log(() => 'nothing disturbs any more');
  await world.scheduler.run(
    () =>
      [...world.hosts].every((host) => [...host.runners.values()].every((one) => !one.alive || one.verb === 'sync')),
    world.now + 24 * HOUR,
  );
  // The refusal says to do this.
  world.policy = { ...world.policy, maxKeys: world.shape.policy.maxKeys };
  for (const service of world.services) {
    service.cannotUse.clear();
    service.cannotUnwrap.clear();
    service.mislabels.clear();
    service.guard.right();
    service.losesReloads = 0;
    service.bury();
    for (const worker of service.workers) if (!worker.up) worker.apply(worker.read(false));
  }
  await passBackoff(operators);
  const first = await asHinted(operators);
  if (first === null || world.violations.length > 0) return;
  const found = unsettled(world);
  if (first.exit !== 0) world.break('I7', `the undisturbed run ended with exit ${first.exit}: ${whatFailed(first)}`);
  else if (found.length > 0) world.break('I7', `not settled: ${found.join('; ')}`);
  else await goOn(operators, first.active);
}

/** By its hints, operators put right what a run leaves alone because somebody may depend on it. */
async function asHinted(operators: Operators): Promise<KeysetResult | null> {
  let result = await finalRun(operators);
  for (let again = 0; again < 3 && result !== null && (await followHints(operators, result)); again += 1) {
    await finalRun(operators);
    await passBackoff(operators);
    result = await finalRun(operators);
  }
  return result;
}

/** The longest back-off. One that was counted by a clock ahead of time ends later. */
async function passBackoff(operators: Operators): Promise<void> {
  const { world } = operators;
  const held = (world.store.manifest?.backoff?.until ?? 0) - world.hosts[0].now();
  await operators.pass(Math.max(26 * HOUR, held));
}

function whatFailed(result: KeysetResult | null): string {
  return result?.error?.message ?? result?.problems.map((one) => one.message).join('; ') ?? 'it did not end';
}

async function finalRun(operators: Operators): Promise<KeysetResult | null> {
  const { world } = operators;
  const hadNone = world.store.manifest !== null && activeKey(world.store.manifest) === null;
  const first = await operators.run();
  // While no key is active no canary shows a drop. The run says so, and the next one has lost what it would show it with.
  const isUnshown = hadNone && world.policy.dropsByCanary === true && first?.exit === 4;
  if (isUnshown) await passBackoff(operators);
  const result = isUnshown ? await operators.run() : first;
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
    const result = await asHinted(operators);
    if (world.violations.length > 0) return;
    if (result?.exit !== 0) world.break('I7', `a later run ended with exit ${result?.exit}: ${whatFailed(result)}`);
  }
  const found = unsettled(world);
  if (found.length > 0) world.break('I7', `not settled later: ${found.join('; ')}`);
  if (world.store.manifest?.keys.find((key) => key.kid === active)?.state === 'active')
    world.break('I7', 'it rotates no more');
}
