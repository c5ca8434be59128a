import { spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, it } from 'vitest';
import { playDelivery, SCRIPTS } from './delivery.js';
import { World } from './world.js';

interface Swarm {
  secrets: Record<string, { label?: string; text: string }>;
  service: { name: string; secrets: { source: string; target: string }[]; updates: number };
}

const DOCKER = fileURLToPath(new URL('docker-stand-in.js', import.meta.url));

let world: World;
beforeEach(() => {
  world = new World();
  return () => world.close();
});

/** One service, without a secret. */
function openSwarm(secrets: Swarm['secrets']) {
  const state = world.path('swarm.json');
  const write = (swarm: Swarm) => writeFileSync(state, JSON.stringify(swarm));
  const read = (): Swarm => JSON.parse(readFileSync(state, 'utf8'));
  write({ secrets, service: { name: 'issuer', secrets: [], updates: 0 } });
  symlinkSync(DOCKER, `${world.folderFor('bin')}/docker`);
  const PATH = `${world.path('bin')}:${dirname(process.execPath)}:/usr/bin:/bin`;
  return { write, read, env: { DOCKER_STATE: state, PATH } };
}

it('the entry for Docker Swarm delivers each key, to a stand-in of docker, and leaves none of its own behind', async () => {
  // Names alike, which another has made: one without the label, one of another outlet.
  const foreign = {
    'issuer-key.k9.1': { text: 'foreign' },
    'issuer-keys.k9.1': { label: 'jwtrot=issuer-keys', text: 'foreign' },
  };
  const { write, read, env } = openSwarm(foreign);
  await playDelivery(world, {
    heading: 'Docker Swarm',
    elsewhere: {},
    env,
    held: async () => {
      const { secrets, service } = read();
      const [used] = service.secrets;
      if (used === undefined) return null;
      expect(used.target).toBe('issuer-key');
      expect(Object.keys(secrets)).toEqual([...Object.keys(foreign), used.source]);
      return secrets[used.source]?.text ?? null;
    },
    lose: async () => write({ secrets: foreign, service: { ...read().service, secrets: [] } }),
  });
  expect(read().service.updates).toBe(5);
});

it('a swarm that can not be asked is not an empty one, and a name with a dot is refused', () => {
  const { env } = openSwarm({});
  const holds = (name: string, given: NodeJS.ProcessEnv) =>
    spawnSync(`${SCRIPTS}/docker-secret`, ['holds', name, 'issuer'], { env: given, encoding: 'utf8' });
  expect(holds('issuer-key', env)).toMatchObject({ status: 0, stdout: '' });
  expect(holds('issuer-key', { ...env, DOCKER_STATE: world.path('gone') })).toMatchObject({ status: 1, stdout: '' });
  expect(holds('issuer.key', env)).toMatchObject({ status: 64, stdout: '' });
});
