import type { Instance, ReloadResult } from '../../src/services/service.js';
import type { Random } from './random.js';
import type { Runner } from './runner.js';
import type { SimInstance, SimService } from './services.js';

/** One reload, whose result and time are a matter of chance. */
export function reload(
  service: SimService,
  runner: Runner,
  { name }: Instance,
  signal: AbortSignal,
): Promise<ReloadResult> {
  const { world } = service;
  const instance = service.instances.find((one) => one.name === name);
  const settings = service.shape.service.reload;
  const timeout = settings.type === 'none' ? 0 : settings.timeout;
  const strike = world.strikes(runner.source, 'reload');
  const random = strike?.random ?? runner.source.stream('reloads');
  const fault =
    strike?.random.weighted({ lost: 2, fails: 2, late: 3, hangs: 2, restarts: 2, slow: 3 } as const) ?? 'none';
  const duration = fault === 'hangs' ? timeout : random.between(5, fault === 'slow' ? timeout : 400);
  const order = () => {
    if (fault === 'lost' || fault === 'fails') world.say(runner, () => `reload of ${name} (${fault})`);
    if (instance === undefined || instance.dead || fault === 'lost' || fault === 'fails') return;
    if (service.losesReloads > 0) {
      service.losesReloads -= 1;
      world.say(runner, () => `reload of ${name} is lost`);
      return;
    }
    world.say(runner, () => `reload of ${name} (${fault})`);
    takeEffect(service, instance, random, fault, duration);
  };
  // The request leaves at once; the service then acts by itself.
  return world.call(runner, order, { remote: true, before: 1 }).then(() => {
    const done = world.call(
      runner,
      (): ReloadResult =>
        fault === 'fails' || fault === 'hangs' || instance === undefined
          ? { ok: false, reason: fault, hint: null }
          : { ok: true },
      { before: duration, after: 1 },
    );
    return Promise.race([done, given(runner, signal)]);
  });
}

/** Nobody waits for the reload any longer; it still takes effect. */
function given(runner: Runner, signal: AbortSignal): Promise<ReloadResult> {
  return new Promise((resolve) => {
    const giveUp = () => {
      if (runner.alive) resolve({ ok: false, reason: 'given up', hint: null });
    };
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
}

function takeEffect(service: SimService, instance: SimInstance, random: Random, fault: string, duration: number): void {
  const { world } = service;
  const most = service.effectTime - 2;
  const plan = service.planned.shift();
  for (const worker of instance.workers) {
    if (plan !== undefined) {
      world.scheduler.after(plan.readAt, () => {
        const read = worker.read(plan.staleBy ?? false);
        world.scheduler.after(plan.effectAt - plan.readAt, () => service.apply(worker, read));
      });
      continue;
    }
    const late = fault === 'late' || fault === 'hangs';
    const effect = late ? random.between(1, most) : random.between(0, Math.max(0, duration - 1));
    const readAt = random.between(0, effect);
    if (fault === 'restarts') worker.stop();
    world.scheduler.after(readAt, () => {
      const read = worker.read(true, !late);
      world.scheduler.after(effect - readAt, () => service.apply(worker, read));
    });
  }
}
