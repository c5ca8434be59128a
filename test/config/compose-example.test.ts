import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { load } from './place.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

interface Container {
  readonly image: string;
  readonly user: string;
  readonly group_add?: readonly string[];
  readonly command: readonly string[];
  readonly working_dir: string;
  readonly volumes: readonly string[];
}

const { services } = parse(read('examples/compose/compose.yaml'), { merge: true }) as {
  services: Record<string, Container>;
};
const CONFIGURATION = read('examples/compose/jwtrot.yaml');

/** `source:target` or `source:target:ro` */
function volumesOf(name: string) {
  return (services[name]?.volumes ?? []).map((volume) => {
    const [source = '', target = '', mode = 'rw'] = volume.split(':');
    return { source, target, mode };
  });
}

describe('examples/compose', () => {
  test('has a container for jwtrot and for each service of jwtrot.yaml', async () => {
    const { keysets } = await load(CONFIGURATION);
    const named = keysets.flatMap((keyset) => keyset.services.map((service) => service.name));
    expect(Object.keys(services).sort()).toEqual(['jwtrot', ...named].sort());
  });

  test('mounts what there is: the programs of examples/node, and what npm installs', () => {
    const sources = Object.keys(services)
      .flatMap(volumesOf)
      .map(({ source }) => source);
    const own = new Set(sources.filter((source) => source.startsWith('./') && source !== './node_modules'));
    expect(own.size).toBeGreaterThan(1);
    expect([...own].filter((source) => !existsSync(join(ROOT, 'examples/node', source)))).toEqual([]);
    for (const name of ['issuer', 'api']) {
      const [, program = ''] = services[name]?.command ?? [];
      expect(volumesOf(name)).toContainEqual({ source: `./${program}`, target: `/app/${program}`, mode: 'ro' });
    }
  });

  test('gives jwtrot every place of jwtrot.yaml, to write in, under its own name', async () => {
    const { store, wrap, keysets } = await load(CONFIGURATION);
    const outlets = keysets.flatMap(({ publish, deliver }) => [...publish, ...deliver]);
    const files = outlets.flatMap((outlet) => ('path' in outlet ? [dirname(outlet.path)] : []));
    const kek = wrap.type === 'local' && 'file' in wrap.kek ? [dirname(wrap.kek.file)] : [];
    const places = [...files, ...kek, ...(store.type === 'directory' ? [dirname(store.path)] : [])];
    expect(places).toHaveLength(4);
    for (const place of places)
      expect(volumesOf('jwtrot')).toContainEqual({ source: place, target: place, mode: 'rw' });
    expect(volumesOf('jwtrot')).toContainEqual({ source: '/etc/jwtrot', target: '/etc/jwtrot', mode: 'ro' });
  });

  test('shows services the directories that they read, and the key to the issuer alone', async () => {
    const { keysets } = await load(CONFIGURATION);
    const [{ publish = [], deliver = [] } = {}] = keysets;
    const [jwks, key] = [publish[0], deliver[0]].map((outlet) => (outlet && 'path' in outlet ? outlet.path : ''));
    for (const [name, path] of [
      ['issuer', jwks],
      ['issuer', key],
      ['api', jwks],
    ] as const) {
      const mount = volumesOf(name).find(({ source }) => source === dirname(path ?? ''));
      expect(mount?.mode).toBe('ro');
      const seen = posix.relative('/app', posix.join(mount?.target ?? '', posix.basename(path ?? '')));
      expect(read(`examples/node/${services[name]?.command[1]}`), name).toContain(`/${seen}`);
    }
    expect(volumesOf('api').map(({ source }) => source)).not.toContain(dirname(key ?? ''));
  });

  test("runs nothing as root, and lets only jwtrot and the issuer into the key's group", async () => {
    const { keysets } = await load(CONFIGURATION);
    const [delivered] = keysets[0]?.deliver ?? [];
    const group = String(delivered?.type === 'file' ? delivered.group : null);
    const users = Object.values(services).map(({ user }) => user);
    expect(new Set(users).size).toBe(3);
    for (const user of users) expect(user).toMatch(/^[1-9]\d+:[1-9]\d+$/);
    const inGroup = Object.keys(services).filter((name) => services[name]?.group_add?.includes(group));
    expect(inGroup.sort()).toEqual(['issuer', 'jwtrot']);
    const readme = read('examples/compose/README.md');
    expect(readme).toContain(`d /run/jwtrot 0750 ${services['jwtrot']?.user.split(':')[0]} ${group}`);
  });

  test('is asked where the programs listen', async () => {
    const { keysets } = await load(CONFIGURATION);
    for (const { name, health } of keysets[0]?.services ?? []) {
      const port = new URL(health?.url ?? '').port;
      expect(read(`examples/node/${services[name]?.command[1]}`)).toContain(`.listen(${port}, '127.0.0.1')`);
    }
    expect(statSync(join(ROOT, 'examples/compose/README.md')).size).toBeLessThan(4000);
  });
});
