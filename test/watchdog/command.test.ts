import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { openSite, type RotateDocument, type Site, type StatusDocument } from '../e2e/fixtures.js';
import { type Running, until } from '../e2e/world.js';

const DEAD_FILES = fileURLToPath(new URL('../hostile/dead-files.cjs', import.meta.url));

let site: Site;
afterEach(() => site.world.close());

/** A site with a key, whose gateway has stopped since: `retire` waits for it until its deadline. */
async function prepared(): Promise<string> {
  site = await openSite();
  await site.world.run(['rotate']);
  execFileSync('mkfifo', [site.world.path('fifo')]);
  process.kill(site.gateway.pid, 'SIGSTOP');
  const { document } = await site.world.json<StatusDocument>(['status']);
  return document.keysets[0]!.keys[0]!.kid;
}

/** The environment in which these paths hang, as on a server that has died. */
function dead(...names: string[]) {
  const paths = names.map((name) => site.world.path(name));
  return {
    NODE_OPTIONS: `--require ${DEAD_FILES}`,
    JWTROT_TEST_FIFO: site.world.path('fifo'),
    JWTROT_TEST_DEAD: paths.join(':'),
  };
}

function childrenOf(pid: number | undefined): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

function published(): string[] {
  return site.world.readJson('public/jwks.json').keys.map(({ kid }) => kid);
}

/** It has recorded the request, and waits for the gateway. */
async function waiting(running: Running): Promise<number> {
  await until(() => published().length === 2, 'the replacement is published');
  const [worker] = childrenOf(running.child.pid);
  return worker as number;
}

describe('jwtrot retire, where files hang', { timeout: 60_000 }, () => {
  it.each([
    ['the store: the only key of an outlet stays there, and that is said', ['store'], true],
    ['what the host remembers of the keyset: the key leaves the outlets', ['records'], false],
  ] as const)('ends before 10 s after its deadline: %s', async (_, names, stays) => {
    const kid = await prepared();
    const began = Date.now();
    const args = ['retire', '--kid', kid, '--yes', '--deadline', '1s', '--json'];
    const { code, stdout } = await site.world.run(args, { env: dead(...names) });
    expect(Date.now() - began).toBeLessThan(11_000);
    expect(code).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 1 });
    expect(stdout).toContain(site.world.path(names[0]));
    expect(published().includes(kid)).toBe(stays);
    expect(stdout.includes('is the only key there')).toBe(stays);
  });

  it('has its own exit code where what hangs is not needed any more', async () => {
    const kid = await prepared();
    const { code, stderr } = await site.world.run(['retire', '--kid', kid, '--yes', '--deadline', '1s'], {
      env: dead('kek'),
    });
    expect(stderr).toContain('no replacement could be made');
    expect(code).toBe(5);
  });
});

describe('jwtrot retire, two processes that are one command', { timeout: 60_000 }, () => {
  it('stops at a signal that only the first of them gets', async () => {
    const kid = await prepared();
    const running = site.world.start(['retire', '--kid', kid, '--yes', '--deadline', '30s', '--json']);
    await waiting(running);
    running.child.kill('SIGTERM');
    const { code, stdout } = await running.ended;
    expect(code).toBe(143);
    expect((JSON.parse(stdout) as RotateDocument).error).toMatchObject({ code: 'interrupted', exit: 143 });
  });

  it('is killed as one', async () => {
    const kid = await prepared();
    const running = site.world.start(['retire', '--kid', kid, '--yes', '--deadline', '30s']);
    const worker = await waiting(running);
    running.child.kill('SIGKILL');
    await until(() => !existsSync(`/proc/${worker}`), 'the worker is gone', 2_000);
    const { document } = await site.world.json<RotateDocument>(['retire', '--kid', kid, '--yes', '--deadline', '1s']);
    expect(document.keysets[0]!.outcome).toBe('retired');
    expect(published()).not.toContain(kid);
  });

  it('names the worker in its lease, which another retire ends', async () => {
    const kid = await prepared();
    const first = site.world.start(['retire', '--kid', kid, '--yes', '--deadline', '30s']);
    const worker = await waiting(first);
    const second = site.world.start(['retire', '--kid', kid, '--yes', '--deadline', '1s']);
    expect((await first.ended).code).toBe(143);
    const { stderr } = await second.ended;
    expect(stderr).toContain(`retire (pid ${worker} on `);
    expect(published()).not.toContain(kid);
  });
});

describe('any other verb, where files hang', () => {
  it('ends within the time that SIGTERM gives it', { timeout: 60_000 }, async () => {
    await prepared();
    const running = site.world.start(['rotate'], { env: dead('store') });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    running.child.kill('SIGTERM');
    const began = Date.now();
    const { signal, stderr } = await running.ended;
    expect(Date.now() - began).toBeLessThan(6_000);
    // The read of the store gives up after some seconds, too: on a busy machine that may be first.
    expect(stderr).toMatch(/interrupted by SIGTERM|does not answer/);
    // exit(3) would wait for the thread that hangs.
    expect(signal).toBe('SIGKILL');
  });
});
