import type { KeysetContext } from '../../src/rollout/context.js';
import type { Runner } from './runner.js';
import type { World } from './world.js';

/** Everything that a run touches, simulated. */
export function contextOf(world: World, runner: Runner): KeysetContext {
  const { host } = runner;
  const i = host === world.hosts[0] ? 0 : 1;
  const clock = world.calls.clockOf(runner);
  return {
    name: 'api',
    policy: world.policy,
    services: world.services.map((service) => service.port(runner)),
    outlets: world.outlets[i].port(runner),
    store: world.store.port(runner),
    wrapper: world.keys.wrapper(runner),
    generateKey: world.keys.generate(runner),
    assertMatches: world.keys.assertMatches,
    clock,
    random: () => world.latency.next(),
    newId: () => world.newId(),
    host: {
      self: runner.owner,
      state: (owner) => {
        if (owner.host !== host.id) return 'elsewhere';
        if (owner.bootId !== runner.owner.bootId) return 'gone';
        return host.runners.get(owner.pid)?.alive ? 'alive' : 'gone';
      },
      end: async (owner) => {
        const other = host.runners.get(owner.pid);
        if (other === undefined || other === runner) return;
        world.say(runner, () => `ends pid ${owner.pid}`);
        world.calls.reply(other, 0, () => other.controller.abort(new Error('terminated')));
        for (let waited = 0; other.alive && waited < 2_000; waited += 100) await clock.sleep(100);
        other.die();
      },
    },
    bound: world.bound,
    signal: runner.controller.signal,
    report: (event) => {
      if (event.type === 'action') {
        world.say(
          runner,
          () => `${event.action.type} ${(event.action.kid ?? '').replace(/-+$/, '')} (${event.action.reason})`,
        );
        if (event.action.type === 'activate' && event.action.kid !== null)
          world.tokens.activating.set(runner, event.action.kid);
      } else if (event.type === 'done' && event.action.type === 'activate' && event.action.kid !== null) {
        world.tokens.activating.delete(runner);
      } else if (event.type === 'note') {
        world.say(runner, () => event.text);
      }
    },
    verb: runner.verb,
  };
}
