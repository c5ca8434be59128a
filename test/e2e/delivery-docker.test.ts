import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { playDelivery } from './delivery.js';
import { World } from './world.js';

interface Swarm {
  secrets: Record<string, string>;
  service: { name: string; secrets: { source: string; target: string }[]; updates: number };
}

const DOCKER = fileURLToPath(new URL('docker-stand-in.js', import.meta.url));

it('the entry for Docker Swarm delivers each key, to a stand-in of docker, and leaves none behind', async () => {
  const world = new World();
  onTestFinished(() => world.close());
  const state = world.path('swarm.json');
  const write = (swarm: Swarm) => writeFileSync(state, JSON.stringify(swarm));
  const read = (): Swarm => JSON.parse(readFileSync(state, 'utf8'));
  write({ secrets: {}, service: { name: 'issuer', secrets: [], updates: 0 } });
  symlinkSync(DOCKER, `${world.folderFor('bin')}/docker`);
  await playDelivery(world, {
    heading: 'Docker Swarm',
    elsewhere: {},
    env: { DOCKER_STATE: state, PATH: `${world.path('bin')}:${dirname(process.execPath)}:/usr/bin:/bin` },
    held: async () => {
      const { secrets, service } = read();
      const [used] = service.secrets;
      if (used === undefined) return null;
      expect(used.target).toBe('issuer-key');
      expect(Object.keys(secrets)).toEqual([used.source]);
      return secrets[used.source] ?? null;
    },
    lose: async () => write({ secrets: {}, service: { ...read().service, secrets: [] } }),
  });
  expect(read().service.updates).toBe(5);
});
