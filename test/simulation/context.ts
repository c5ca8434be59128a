import { kidOf } from '../../src/keyset/planning/action.js';
import type { KeysetContext } from '../../src/rollout/context.js';
import { signerOf } from './canaries.js';
import { recordsOf } from './records.js';
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
    records: recordsOf(world, world.hosts[i], runner),
    wrapper: world.keys.wrapper(runner),
    generateKey: world.keys.generate(runner),
    deliveredKey: (thumbprint) =>
      world.call(runner, () => {
        const isThere = world.outlets[i].deliver.some(({ kid, isCommand }) => !isCommand && kid === thumbprint);
        return isThere ? new Uint8Array(Buffer.from(thumbprint)) : null;
      }),
    assertMatches: world.keys.assertMatches,
    openSigner: async (privateKey, { kid }) => signerOf(privateKey, kid),
    clock,
    random: () => runner.source.stream('jitter').next(),
    newId: () => world.newId(),
    host: {
      self: runner.owner,
      state: (owner) => {
        if (owner.host !== host.id) return 'elsewhere';
        if (owner.bootId !== runner.owner.bootId) return 'gone';
        return host.runners.get(owner.pid)?.alive ? 'alive' : 'gone';
      },
      workOn: async () => async () => {},
      end: async (owner) => {
        const other = host.runners.get(owner.pid);
        if (other === undefined || other === runner) return null;
        world.say(runner, () => `ends pid ${owner.pid}`);
        world.calls.reply(other, 0, () => other.controller.abort(new Error('terminated')));
        for (let waited = 0; other.alive && waited < 2_000; waited += 100) await clock.sleep(100);
        other.die();
        return null;
      },
    },
    bound: world.bound,
    signal: runner.controller.signal,
    report: (event) => {
      if (event.type === 'action') {
        world.say(
          runner,
          () => `${event.action.type} ${(kidOf(event.action) ?? '').replace(/-+$/, '')} (${event.action.reason})`,
        );
        world.checks.proof.begins(runner, `${event.action.type} ${kidOf(event.action)}`);
        if (event.action.type === 'activate') world.tokens.activating.set(runner, event.action.kid);
      } else if (event.type === 'done' && event.action.type === 'activate') {
        world.tokens.activating.delete(runner);
      } else if (event.type === 'note') {
        world.say(runner, () => event.text);
      }
    },
    verb: runner.verb,
  };
}
