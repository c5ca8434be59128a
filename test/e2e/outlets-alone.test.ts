import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import { deadMount, lockHolder } from './dead-mount.js';
import type { RotateDocument } from './fixtures.js';
import { storedKeys } from './look.js';
import { runAll, worldScene } from './scene.js';
import { until, type World } from './world.js';

/*
 * Two outlets, and everything happens to the first. `jwtrot retire` takes the key out of the other one, names the first, and
 * exits 4 (docs/design.md, section 4: an incident depends on nobody else).
 */

let world: World;
let more: object[];

function configure(): void {
  world.configure({
    store: { type: 'directory', path: world.path('state/store') },
    wrap: { type: 'local', kek: { file: world.path('kek') } },
    keysets: {
      api: {
        alg: 'ES256',
        maxTokenTtl: '1h',
        publish: [
          { file: world.path('bad/jwks.json'), ...more[0] },
          { file: world.path('good/jwks.json') },
          ...more.slice(1),
        ],
      },
    },
  });
}

/** The former key, and the active one. */
function kids(): { former: string; active: string } {
  const of = (state: string) => storedKeys(world, 'state/store')?.find((key) => key.state === state)?.kid ?? '';
  return { former: of('deprecated'), active: of('active') };
}

const rotatedTwice = worldScene(async (made) => {
  world = made;
  world.folderFor('bad');
  world.folderFor('good');
  configure();
  await runAll({ world }, 'rotate', 'rotate --immediate');
});
beforeEach(async () => {
  more = [{}];
  world = await rotatedTwice();
});

const holds = (name: string, kid: string) => readFileSync(world.path(`${name}/jwks.json`), 'utf8').includes(kid);

/** Retires it, and looks at the good outlet meanwhile. */
async function retire(kid: string, deadline: string) {
  const began = performance.now();
  const running = world.start(['retire', `--kid=${kid}`, '--yes', '--deadline', deadline, '--json']);
  await until(() => !holds('good', kid), 'the key has left the good outlet', 60_000);
  const exposed = performance.now() - began;
  const { code, stdout } = await running.ended;
  const document = JSON.parse(stdout) as RotateDocument;
  const problems = document.keysets[0]?.problems ?? [];
  return { code, problems, exposed, took: performance.now() - began };
}

describe('an outlet on a mount whose server is gone', () => {
  it('is named; the key leaves the others, and the command ends by itself', async () => {
    const { former, active } = kids();
    const mount = deadMount(world.path('bad'));
    try {
      const { code, problems, took } = await retire(former, '20s');
      expect(code).toBe(4);
      expect(problems).toMatchObject([{ code: 'outlet-hangs' }]);
      expect(problems[0]?.message).toContain(`${world.path('bad')} does not answer within 2s`);
      expect(took).toBeLessThan(20_000);
      // The active key goes too, by the deadline.
      const again = await retire(active, '5s');
      expect(again.code).toBe(4);
      expect(again.exposed).toBeLessThan(15_000);
      expect(again.took).toBeLessThan(15_000);
    } finally {
      mount.end();
    }
    expect(holds('bad', former)).toBe(true);
    // The server is back: the next run makes it what it should be.
    expect((await world.run(['rotate'])).code).toBe(0);
    expect([holds('bad', former), holds('bad', active)]).toEqual([false, false]);
  }, 120_000);
});

describe('an outlet whose lock somebody holds', () => {
  it('holds up no other; it is tried until the deadline, and then named', async () => {
    const { former } = kids();
    const holder = await lockHolder(world.path('bad/.jwks.json.jwtrot-lock'));
    try {
      const { code, problems, exposed, took } = await retire(former, '6s');
      expect(code).toBe(4);
      expect(problems).toMatchObject([{ code: 'outlet-busy' }]);
      expect(problems[0]?.message).toContain(world.path('bad/.jwks.json.jwtrot-lock'));
      expect(exposed).toBeLessThan(6_000);
      expect(took).toBeLessThan(16_000);
      expect(holds('bad', former)).toBe(true);
      // It is published there: no verifier that may be asked proves that nobody accepts it.
      const check = await world.run(['status', '--check']);
      expect([check.code, check.stdout]).toEqual([2, expect.stringContaining(`${former} is being retired`)]);
    } finally {
      process.kill(-(holder.pid ?? 0), 'SIGKILL');
    }
  }, 60_000);

  it('for a while only is written as soon as it is free', async () => {
    const { former } = kids();
    const holder = await lockHolder(world.path('bad/.jwks.json.jwtrot-lock'));
    const running = retire(former, '60s');
    await until(() => !holds('good', former), 'the key has left the good outlet', 30_000);
    process.kill(-(holder.pid ?? 0), 'SIGKILL');
    expect(await running).toMatchObject({ code: 0, problems: [] });
    expect(holds('bad', former)).toBe(false);
  }, 90_000);
});

const RECORD = 'bad/.jwks.json.jwtrot';

describe('an outlet whose record has become', () => {
  it.each([
    ['garbage', (path: string) => writeFileSync(path, '{"schema":2,'), 'outlet-record-damaged'],
    ['a FIFO', (path: string) => execFileSync('mkfifo', [path]), 'outlet-record-damaged'],
    ['a directory', (path: string) => mkdirSync(path), 'outlet-record-damaged'],
    ['a link to a device', (path: string) => symlinkSync('/dev/zero', path), 'outlet-record-damaged'],
    [
      'a huge revision',
      (path: string) => writeFileSync(path, '{"schema":1,"keyset":"api","revision":9007199254740991}'),
      'outlet-record-ahead',
    ],
    [
      'of another history',
      (path: string) => writeFileSync(path, '{"schema":2,"keyset":"api","lineage":"constructor","revision":1}'),
      'outlet-record-of-other-history',
    ],
  ])(
    '%s: a run leaves it and names it, and an incident takes the key out of it',
    async (_what, make, code) => {
      const { former } = kids();
      unlinkSync(world.path(RECORD));
      make(world.path(RECORD));
      const rotated = await world.json<RotateDocument>(['rotate', '--force']);
      expect(rotated.code).toBe(4);
      expect(rotated.document.keysets[0]?.problems).toMatchObject([{ code }]);
      const pending = world.readJson('good/jwks.json').keys.at(-1)?.kid ?? '';
      expect([holds('good', pending), holds('bad', pending)]).toEqual([true, false]);
      const { code: exit, problems } = await retire(former, '10s');
      expect(exit).toBe(4);
      expect(problems.map((problem) => problem.code)).toContain(code);
      expect(problems.find((problem) => problem.code === code)?.message).toMatch(/has lost|not in it/);
      expect(holds('bad', former)).toBe(false);
      // As the hint says: once the record is gone, the outlet that holds what this host knows is taken up again.
      rmSync(world.path(RECORD), { recursive: true });
      await world.run(['rotate', '--force']);
      expect(holds('bad', pending)).toBe(true);
    },
    60_000,
  );
});

describe('an outlet in a directory of somebody else', () => {
  it('is refused unless that is allowed, and then nothing that its owner does holds up an incident', async () => {
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) chownSync(world.path('bad'), 54_321, 54_321);
    else execFileSync('chmod', ['777', world.path('bad')]);
    const refused = await world.json<RotateDocument>(['rotate', '--immediate']);
    expect(refused).toMatchObject({ code: 5, document: { error: { code: 'shared-directory' } } });
    more = [{ allowShared: true }];
    configure();
    expect((await world.run(['rotate', '--immediate'])).code).toBe(0);
    const { former } = kids();
    const holder = await lockHolder(world.path('bad/.jwks.json.jwtrot-lock'));
    try {
      writeFileSync(world.path(RECORD), '{"schema":2,"keyset":"web","lineage":"x","revision":9007199254740991}');
      const { keys } = world.readJson('bad/jwks.json');
      writeFileSync(
        world.path('bad/jwks.json'),
        JSON.stringify({ keys: [...keys, { kty: 'constructor', kid: 'mallory' }] }),
      );
      const { code, problems, exposed } = await retire(former, '20s');
      expect(code).toBe(4);
      expect(problems).toMatchObject([{ code: 'unknown-kid' }]);
      expect(problems[0]?.message).toContain(`has lost ${former}`);
      expect(exposed).toBeLessThan(10_000);
      expect(holds('bad', former)).toBe(false);
      expect(holds('bad', 'mallory')).toBe(true);
    } finally {
      process.kill(-(holder.pid ?? 0), 'SIGKILL');
    }
  }, 90_000);
});

describe('an outlet that is a command that hangs, or a URL that never answers', () => {
  it('is named when its time is over; the key has left the files long before', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const { former } = kids();
    more = [{ url: `http://127.0.0.1:${port}/jwks.json` }, { command: ['sleep', '60'], timeout: '50s' }];
    configure();
    try {
      const { code, problems, exposed, took } = await retire(former, '6s');
      expect(code).toBe(4);
      expect(problems.map((problem) => problem.code).sort()).toEqual(['not-published', 'outlet-command-failed']);
      expect(exposed).toBeLessThan(6_000);
      expect(took).toBeLessThan(16_000);
      expect(holds('bad', former)).toBe(false);
    } finally {
      silent.close();
    }
  }, 60_000);
});
