import { MOST_OFFSET } from '../../../src/keyset/questions/clock-trust.js';
import type { Actor } from '../act.js';
import type { SimService } from '../services.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

function isElsewhere(service: SimService): boolean {
  return service.shape.service.name === 'branch';
}

export async function reboot(actor: Actor): Promise<void> {
  const { world, random, operators } = actor;
  const [main] = world.hosts;
  world.log(() => 'the first host reboots');
  // Done before they die: what they have just sent (a switch) may arrive, and nobody can know that the JWKS is gone.
  world.outlets[0].reboot();
  for (const runner of main.runners.values()) runner.die();
  main.boot += 1;
  for (const service of world.services) for (const worker of service.workers) if (!isElsewhere(service)) worker.stop();
  await operators.pass(random.between(SECOND, MINUTE));
  // Services start after `sync`, even if it fails.
  if (random.chance(0.7)) await operators.until({ runner: operators.sync(main, actor.fate()) }, 5 * MINUTE);
  for (const runner of main.runners.values()) if (runner.verb === 'sync') runner.die();
  for (const service of world.services) {
    if (isElsewhere(service)) continue;
    for (const instance of service.instances) service.restart(instance, random.between(0, 30 * SECOND));
  }
  actor.start(operators.rotate({}, actor.fate()));
}

/** A clock that starts far in the past and is set right later: everyone can see that it is behind. */
export async function clockBack(actor: Actor): Promise<void> {
  const { world, operators, random } = actor;
  const [main] = world.hosts;
  const newest = world.store.manifest?.events.at(-1)?.at;
  if (newest === undefined) return;
  const right = main.offset;
  const behind = world.now + right - newest + 2 * world.policy.clockSkew + actor.random.someTime(SECOND, 48 * HOUR);
  main.offset = right - behind;
  world.log(() => `the clock of ${main.id} goes back by ${behind} ms`);
  const started = random.chance(0.7) ? operators.rotate({}, actor.fate()) : null;
  if (started !== null) await operators.until(started, HOUR);
  main.offset = right;
  world.log(() => `the clock of ${main.id} is right again`);
}

/**
 * A clock that is ahead, and is set right later. If the store tells its own time, a difference of more than five
 * minutes is seen, and nothing is decided by such a clock. Otherwise nobody can tell: keys expire too early by it.
 * jwtrot does not promise to withstand that, but it does promise that everything is settled afterwards.
 */
export async function clockAhead(actor: Actor): Promise<void> {
  const { world, operators, random } = actor;
  const [main] = world.hosts;
  const ahead = random.someTime(2 * world.policy.clockSkew, 48 * HOUR);
  const isSeen = world.shape.reach.storeClock && ahead + main.offset > MOST_OFFSET;
  if (!isSeen) world.clockWasWrong = true;
  main.offset += ahead;
  world.log(() => `the clock of ${main.id} goes ahead by ${ahead} ms${isSeen ? '' : ', unseen'}`);
  const asked = random.pick([{}, {}, { force: true }]);
  await operators.until(operators.rotate(asked, actor.fate()), HOUR);
  main.offset -= ahead;
  world.log(() => `the clock of ${main.id} is right again`);
}

export function suspend(actor: Actor): void {
  const { world } = actor;
  const [main] = world.hosts;
  const duration = actor.random.someTime(SECOND, 3 * HOUR);
  world.log(() => `${main.id} is suspended for ${duration} ms`);
  main.suspended += duration;
  for (const runner of main.runners.values()) runner.pausedUntil = Math.max(runner.pausedUntil, world.now + duration);
}
