import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { World } from '../e2e/world.js';

let world: World;
afterEach(() => world.close());

/** Folders of demonstrations in this world's temporary folder. */
const left = () => readdirSync(world.path('tmp')).filter((name) => name.startsWith('jwtrot-demo-'));

function open(): void {
  world = new World();
  world.folderFor('tmp');
  // A process of its own: it reads its temporary folder from its environment.
  world.eachAProcess = true;
}

describe('jwtrot demo', { timeout: 90_000 }, () => {
  it('rotates, rolls back and retires under load: no token is rejected, and nothing of it stays', async () => {
    open();
    const svg = world.path('picture.svg');
    const { code, stdout, stderr } = await world.run(['demo', '--seconds', '15', '--svg', svg], {
      env: { TMPDIR: world.path('tmp') },
    });
    const said = stderr.replaceAll(/^ +\d+\.\d s {2}/gm, '').split('\n');
    expect(said).toContain('$ jwtrot rotate --immediate');
    expect(said).toContain('  rolled back: k2 signs on, and no token was lost');
    expect(stderr).toMatch(/retired in \d+\.\d s: every verifier refuses the thief's tokens, k5 signs\n/);
    expect(said.at(-2)).toBe('3 rotations of 5 keys');
    const [, tokens, checks] = /^(\d+) tokens, (\d+) checks, 0 rejected\n$/.exec(stdout) ?? [];
    expect(code).toBe(0);
    expect(Number(tokens)).toBeGreaterThan(100);
    expect(Number(checks)).toBeGreaterThan(2 * Number(tokens));
    expect(readFileSync(svg, 'utf8')).toContain(stdout.trimEnd());
    expect(left()).toEqual([]);
  });

  it('has one document, with numbers alone, however short it is to be', async () => {
    open();
    const { code, document, stderr } = await world.json(['demo', '--seconds', '1']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { tokens, checks, ...rest } = document;
    expect(rest).toEqual({ schema: 1, rejected: 0, rotations: 3, keys: 5 });
    expect(Number(checks)).toBeGreaterThan(Number(tokens));
  });

  it.each([
    ['SIGINT', 130, 'SIGINT'],
    ['SIGTERM', 143, 'SIGTERM'],
    ['SIGHUP', 143, 'SIGTERM'],
  ] as const)('is ended by %s at once, and nothing of it stays', async (signal, exit, by) => {
    open();
    const running = world.start(['demo'], { env: { TMPDIR: world.path('tmp') } });
    await new Promise((resolve) => running.child.stderr?.once('data', resolve));
    expect(left()).toHaveLength(1);
    running.child.kill(signal);
    const { code, stderr } = await running.ended;
    expect(code).toBe(exit);
    expect(stderr).toContain(`interrupted by ${by}; nothing of the demonstration stays\n`);
    expect(left()).toEqual([]);
  });

  it.each<[string, (path: string) => void, string]>([
    ['has no folder', () => {}, 'ENOENT'],
    ['is a folder', (path) => mkdirSync(path, { recursive: true }), 'it is there and is no plain file'],
    [
      'is a FIFO',
      (path) => {
        mkdirSync(dirname(path));
        execFileSync('mkfifo', [path]);
      },
      'it is there and is no plain file',
    ],
  ])('does not begin where the picture can not be written: it %s', async (_, prepare, why) => {
    open();
    const path = world.path('some/picture.svg');
    prepare(path);
    const { code, stderr } = await world.run(['demo', '--svg', path]);
    expect(code).toBe(2);
    expect(stderr).toContain(`some/picture.svg": ${why}; nothing was changed\n`);
  });
});
