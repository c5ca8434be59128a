import { afterEach, describe, expect, it } from 'vitest';
import type { RotateDocument, StatusDocument } from './fixtures.js';
import { type RunningService, type ServiceOptions, until, World } from './world.js';

let world: World;
afterEach(() => world?.close());

/** Each a process of its own: three issuers, three gateways. */
interface Fleet {
  readonly issuers: readonly RunningService[];
  readonly gateways: readonly RunningService[];
  configure(rollouts?: { keyset?: object; issuer?: object; gateway?: object }): void;
}

interface Options {
  readonly issuers?: readonly Partial<ServiceOptions>[];
  readonly gateways?: readonly Partial<ServiceOptions>[];
}

async function openFleet({ issuers = [{}, {}, {}], gateways = [{}, {}, {}] }: Options = {}): Promise<Fleet> {
  world = new World();
  const jwks = `${world.folderFor('public')}/jwks.json`;
  const key = `${world.folderFor('private')}/api.jwk`;
  // One after the other: the number in a pid file's name is the instance's.
  const running: RunningService[] = [];
  for (const more of issuers) running.push(await world.service({ key, reloadMs: 30, ...more }));
  for (const more of gateways) running.push(await world.service({ jwks, reloadMs: 30, ...more }));
  const service = (name: string, role: string, from: number, count: number, rollout: object | undefined) => ({
    name,
    role,
    instances: running.slice(from, from + count).map(({ port }, i) => ({
      name: String(from + i + 1),
      address: `127.0.0.1:${port}`,
    })),
    reload: { signal: 'HUP', pidFile: world.path('service-{name}.pid'), timeout: '2s' },
    health: { url: 'http://{address}/healthz', deadline: '2s', timeout: '500ms' },
    ...(rollout === undefined ? {} : { rollout }),
  });
  const fleet: Fleet = {
    issuers: running.slice(0, issuers.length),
    gateways: running.slice(issuers.length),
    configure({ keyset, issuer, gateway } = {}) {
      world.configure({
        store: { type: 'directory', path: world.path('store') },
        wrap: { type: 'local', kek: { file: world.path('kek') } },
        keysets: {
          api: {
            alg: 'ES256',
            maxTokenTtl: '1h',
            clockSkew: '0s',
            publish: [{ file: jwks }],
            deliver: [{ file: key, format: 'jwk', allowDisk: true }],
            services: [
              service('issuer', 'signer', 0, issuers.length, issuer),
              service('gateway', 'verifier', issuers.length, gateways.length, gateway),
            ],
            ...(keyset === undefined ? {} : { rollout: keyset }),
          },
        },
      });
    },
  };
  fleet.configure();
  return fleet;
}

async function reloads(services: readonly RunningService[]): Promise<number[]> {
  const answers = await Promise.all(services.map((one) => one.get('/healthz')));
  return answers.map(({ body }) => body['reloads'] as number);
}

async function kids(services: readonly RunningService[]): Promise<unknown[]> {
  const answers = await Promise.all(services.map((one) => one.get('/healthz')));
  return answers.map(({ body }) => body['kid']);
}

/** `gateway/4 reloading` and `gateway/4 confirmed`, in the order in which they were said. */
function steps(stderr: string): string[] {
  return [...stderr.matchAll(/ {2}(\w+\/\d) (reloading|confirmed)/g)].map(([, name, what]) => `${name} ${what}`);
}

async function stateOf(): Promise<Record<number, string>> {
  const { document } = await world.json<StatusDocument>(['status']);
  return Object.fromEntries(document.keysets[0]!.keys.map((key) => [key.version, key.state]));
}

describe('a service with a batch', () => {
  it('is reloaded in waves, and no further than the first that does not confirm', async () => {
    const fleet = await openFleet();
    expect((await world.run(['rotate'])).code).toBe(0);
    fleet.configure({ gateway: { batch: 1 } });
    await fleet.gateways[1]?.stop();
    const deaf = await world.service(
      { jwks: world.path('public/jwks.json'), ignoreReload: true },
      fleet.gateways[1]!.port,
    );
    // The instance has another process now, which its former pid file does not name.
    const gateways = [fleet.gateways[0]!, deaf, fleet.gateways[2]!];
    expect(await reloads(gateways)).toEqual([1, 0, 1]);

    const { code, document, stderr } = await world.json<RotateDocument>(['rotate', '--immediate']);
    expect({ code, stderr }).toEqual({ code: 4, stderr: '' });
    expect(document.keysets[0]!.problems[0]!.message).toMatch(
      /^2 of 3 did not confirm key \S+: gateway\/5: .*; gateway\/6: not reloaded: the wave before it did not confirm; v1 /,
    );
    expect(await reloads(gateways)).toEqual([2, 0, 1]);
    expect(await stateOf()).toEqual({ 1: 'active', 2: 'pending' });

    await deaf.stop();
    await world.service({ jwks: world.path('public/jwks.json') }, deaf.port);
    const again = await world.run(['rotate', '--force']);
    expect(again.code).toBe(0);
    // The first accepts it already, and so does the second since its start: neither takes part in a wave.
    expect(steps(again.stderr).filter((step) => step.startsWith('gateway/6'))[0]).toBe('gateway/6 reloading');
    expect(again.stderr).not.toContain('gateway/4 reloading');
    expect(await reloads([gateways[0]!, gateways[2]!])).toEqual([2, 2]);
  });

  it('is tried on a canary; when that breaks, the others never leave the former key', async () => {
    const fleet = await openFleet({ issuers: [{ dieOnReload: true, dieAfter: 1 }, {}, {}] });
    expect((await world.run(['rotate'])).code).toBe(0);
    const [, ...former] = await kids(fleet.issuers);
    fleet.configure({ issuer: { batch: 'canary' } });
    // Until then a reload of the first rotation might yet read the key of the second.
    const quiet = Date.now() + 2_100;
    await until(() => Date.now() > quiet, 'the time limit of earlier reloads is over');
    const { code, document } = await world.json<RotateDocument>(['rotate', '--immediate']);
    expect(code).toBe(4);
    expect(document.keysets[0]!.outcome).toBe('rolled-back');
    expect(document.keysets[0]!.problems[0]!.message).toContain(
      'issuer/1: connection refused; issuer/2, issuer/3: not reloaded: the wave before it did not confirm; going back',
    );
    const others = fleet.issuers.slice(1);
    expect(await kids(others)).toEqual(former);
    expect(await reloads(others)).toEqual([1, 1]);
    expect(await stateOf()).toEqual({ 1: 'active', 2: 'deprecated' });
    expect(world.readJson<{ kid: string }>('private/api.jwk').kid).toBe(former[0]);

    // A run that did not order the rollback itself can't know: it reloads them all, whichever wave fails.
    await world.service({ key: world.path('private/api.jwk') }, fleet.issuers[0]!.port);
    const resumed = await world.json<RotateDocument>(['rotate', '--force']);
    expect(resumed.document.keysets[0]!.actions[0]).toMatchObject({ type: 'confirm-signers', reason: 'rolled-back' });
    expect(await reloads(others)).toEqual([2, 2]);
  });
});

describe('a keyset with a batch', () => {
  it('reloads one instance of all services at a time, in order', async () => {
    const fleet = await openFleet();
    fleet.configure({ keyset: { batch: 1 } });
    const { code, stderr } = await world.run(['rotate']);
    expect(code).toBe(0);
    const order = [4, 5, 6].map((n) => `gateway/${n}`).concat([1, 2, 3].map((n) => `issuer/${n}`));
    const changes = steps(stderr).filter((step) => order.includes(step.split(' ')[0]!));
    const waves = order.flatMap((name) => [`${name} reloading`, `${name} confirmed`]);
    // The gate looks at verifiers once more before the switch.
    expect(changes.filter((step, i) => changes.indexOf(step) === i)).toEqual(waves);
    expect(stderr).toContain('api:   gateway: wave 2 of 3 (gateway/5)');
    expect(await reloads([...fleet.issuers, ...fleet.gateways])).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('waits for no wave in an incident', async () => {
    const slow = { reloadMs: 400 };
    const fleet = await openFleet({ gateways: [slow, slow, slow], issuers: [slow, slow, slow] });
    expect((await world.run(['rotate'])).code).toBe(0);
    fleet.configure({ keyset: { batch: 1 }, gateway: { batch: 1 }, issuer: { batch: 1 } });
    const [leaked] = await kids(fleet.issuers);
    const { code, stderr } = await world.run(['retire', '--kid', String(leaked), '--yes']);
    expect(code).toBe(0);
    expect(stderr).not.toContain('wave');
    const [first] = stderr.split('pass the gate');
    const began = steps(first ?? '')
      .slice(0, 3)
      .sort();
    expect(began).toEqual(['gateway/4 reloading', 'gateway/5 reloading', 'gateway/6 reloading']);
    expect((await kids(fleet.issuers)).every((kid) => kid !== leaked)).toBe(true);
  });
});
