import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { COMMAND, World } from './world.js';

let world: World;
beforeEach(() => {
  world = new World();
  writeFileSync(
    world.path('list.cjs'),
    `process.on('exit', () => {
      const own = process.moduleLoadList.map((one) => one.replace('NativeModule ', ''));
      process.stderr.write(JSON.stringify({ own, files: Object.keys(require.cache) }));
    });`,
  );
});
afterEach(() => world.close());

/** The modules of Node, and the files, that this was done with. */
function loadedBy(...args: string[]): { own: string[]; files: string[] } {
  const config = ['--config', world.config];
  const { stderr, status } = spawnSync(
    process.execPath,
    ['--require', world.path('list.cjs'), COMMAND, ...args, ...config],
    // A pipe would bring `net` along.
    { cwd: world.folder, env: world.env(), encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] },
  );
  expect(status).toBe(0);
  return JSON.parse(stderr.slice(stderr.indexOf('{"own"')));
}

/** What is slow to load, each some per cent of a start, and no part of looking at a store. */
const SLOW = [
  'child_process',
  'dns',
  'http',
  'http2',
  'tls',
  'v8',
  'internal/crypto/webcrypto',
  'internal/process/esm_loader',
];

it('status loads what it needs, from few files', async () => {
  world.configure({
    store: { type: 'directory', path: world.path('store') },
    wrap: { type: 'local', kek: { file: world.path('kek') } },
    keysets: { api: { maxTokenTtl: '7d' } },
  });
  expect((await world.run(['rotate'])).code).toBe(0);
  const { own, files } = loadedBy('status');
  expect(own).toContain('crypto');
  expect(own.filter((one) => SLOW.includes(one))).toEqual([]);
  // bin/jwtrot.js, what every start needs with the bundler's own, and the configuration's; and list.cjs.
  expect(files.filter((one) => !one.endsWith('list.cjs')).length).toBeLessThanOrEqual(4);
});

it('is refused by an older Node in one line, not in a page of our own code', () => {
  const older = 'Object.defineProperty(process.versions, "node", { value: "20.18.3" })';
  writeFileSync(world.path('older.cjs'), `${older};`);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--require', world.path('older.cjs'), COMMAND, 'status'],
    {
      env: world.env(),
      encoding: 'utf8',
    },
  );
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toBe('jwtrot: needs Node 20.19 or later, and this is 20.18.3; nothing was started\n');
});

it('says that a jwtrot.yaml in the current folder is not used, and ends no key by another configuration', () => {
  world.configure({ keysets: { api: { maxTokenTtl: '7d' } } });
  const run = (...args: string[]) => {
    const options = { cwd: world.folder, env: world.env(), encoding: 'utf8' } as const;
    const { status, stderr } = spawnSync(process.execPath, [COMMAND, ...args], options);
    return { status, stderr };
  };
  const unused =
    'no configuration was named or found, so this is the built-in one, with a store of its own; ./jwtrot.yaml is not used';
  const note = `note: ${unused}: --config jwtrot.yaml, or JWTROT_CONFIG\n`;
  const rotated = run('rotate');
  expect(rotated).toEqual({ status: 0, stderr: expect.stringContaining(note) });
  expect(run('status')).toEqual({ status: 0, stderr: note });
  expect(run('status', '--probe').stderr.split(note)).toHaveLength(2);
  expect(run('retire', '--kid', 'whatever', '--yes')).toEqual({
    status: 2,
    stderr: expect.stringContaining(
      `jwtrot: ${unused}; nothing was changed\nhint: --config jwtrot.yaml, or JWTROT_CONFIG\n`,
    ),
  });
});
