import type { RetireRequest } from '../../src/keyset/questions/incidents.js';
import type { KeysetResult } from '../../src/rollout/rotate.js';
import { short } from './keys.js';
import type { Runner } from './runner.js';
import type { World } from './world.js';

/*
 * An incident depends on nobody: a store that does not answer ends no `retire`, nor holds it up (docs/design.md,
 * section 4).
 */

/** By this time everything that can be unpublished is. */
const WALL = 10_000;

/** At this time the process that watches over `retire` ends it, whatever it waits for. */
export function watchOver(world: World, runner: Runner, { kid, deadline }: RetireRequest): void {
  world.scheduler.after(Math.max(0, deadline) + WALL, () => {
    if (!runner.alive || isExcused(runner)) return;
    world.say(runner, () => 'is ended: its time is over');
    runner.die();
    const outlets = world.outlets[runner.host === world.hosts[0] ? 0 : 1];
    // It is named, and the next run tries again.
    if (outlets.isHeldUpFor(runner)) return;
    for (const { outlet, label, content } of outlets.publish) {
      const isLeft = content.kids.includes(kid) && content.kids.length > 1 && !content.isForeign;
      // After an error of the disk, the write is tried again until the deadline.
      if (isLeft && outlet.type !== 'command' && world.rates.outlet === 0)
        world.break('wall', `${short(kid)} is in ${label} still when its retire is ended`);
    }
  });
}

export function checkEnd(world: World, runner: Runner, { error }: KeysetResult): void {
  if (isExcused(runner) || error === null || !('kind' in error) || error.kind !== 'store') return;
  world.break('wall', `retire gives up, and its key stays: ${error.message}`);
}

/** Another process has ended it, or stopped it for a time. */
function isExcused({ controller, pausedUntil }: Runner): boolean {
  return controller.signal.aborted || pausedUntil > 0;
}
