import type { Instance, ReloadResult } from '../../src/services/service.js';
import type { Runner } from './runner.js';
import type { SimInstance, SimService } from './services.js';

/** One reload: what comes of it, and when, is a matter of chance. */
export function reload(service: SimService, runner: Runner, { name }: Instance): Promise<ReloadResult> {
  const { world } = service;
  const instance = service.instances.find((one) => one.name === name);
  const settings = service.shape.service.reload;
  const timeout = settings.type === 'none' ? 0 : settings.timeout;
  const fault = world.faulty('reload')
    ? world.faults.weighted({ lost: 2, fails: 2, late: 3, hangs: 2, restarts: 2, slow: 3 } as const)
    : 'none';
  const duration = fault === 'hangs' ? timeout : world.faults.between(5, fault === 'slow' ? timeout : 400);
  const order = () => {
    if (instance === undefined || instance.dead || fault === 'lost' || fault === 'fails') return;
    if (service.losesReloads > 0) {
      service.losesReloads -= 1;
      world.say(runner, () => `reload of ${name} is lost`);
      return;
    }
    world.say(runner, () => `reload of ${name} (${fault})`);
    takeEffect(service, instance, fault, duration);
  };
  // The request is on its way at once; what it does, the service does by itself.
  return world
    .call(runner, order, { remote: true, before: 1 })
    .then(() =>
      world.call(
        runner,
        (): ReloadResult =>
          fault === 'fails' || fault === 'hangs' || instance === undefined
            ? { ok: false, reason: fault, hint: null }
            : { ok: true },
        { before: duration, after: 1 },
      ),
    );
}

function takeEffect(service: SimService, instance: SimInstance, fault: string, duration: number): void {
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
    const effect = late ? world.faults.between(1, most) : world.faults.between(0, Math.max(0, duration - 1));
    const readAt = world.faults.between(0, effect);
    if (fault === 'restarts') worker.stop();
    world.scheduler.after(readAt, () => {
      const read = worker.read(true, !late);
      world.scheduler.after(effect - readAt, () => service.apply(worker, read));
    });
  }
}
