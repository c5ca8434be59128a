import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Environment } from '../../src/cli/environment.js';
import { Interrupted } from '../../src/cli/interrupted.js';
import { Output } from '../../src/cli/output/output.js';
import { supervise } from '../../src/cli/watchdog/supervise.js';
import { systemClock } from '../../src/outside/system-clock.js';
import { until } from '../e2e/world.js';

const SCRIPT = fileURLToPath(new URL('worker.cjs', import.meta.url));
/** The deadline of which the wall, 10 s after it and less 1 s for the last words, stands three seconds from the start. */
const SOON = 3_000 + 1_000 - 10_000;
const LATE = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'jwtrot-watchdog-'));
afterAll(() => rmSync(folder, { recursive: true }));
const before = process.listeners('SIGHUP');
afterEach(() => {
  for (const listener of process.listeners('SIGHUP')) if (!before.includes(listener)) process.off('SIGHUP', listener);
});

function runs(way: string, deadline: number, env: Record<string, string> = {}) {
  const began = performance.now();
  const took = () => performance.now() - began;
  const controller = new AbortController();
  const printed = { out: '', err: '' };
  const environment = {
    argv: [way, '--kid', 'it is'],
    script: SCRIPT,
    env: { PATH: process.env['PATH'], XDG_STATE_HOME: folder, ...env },
    uid: process.getuid?.(),
    home: folder,
    clock: { ...systemClock, monotonic: took },
    signal: controller.signal,
    supervisor: null,
    stdout: { write: (text: string) => (printed.out += text) },
    stderr: { write: (text: string) => (printed.err += text) },
  } as unknown as Environment;
  const output = new Output(environment, {});
  const ended = supervise({ deadline } as Parameters<typeof supervise>[0], environment, output).then(
    (exit) => ({ exit, error: null }),
    (error) => ({ exit: null, error }),
  );
  return { ended, controller, took, printed };
}

function isRunning(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && !/\) Z /.test(readFileSync(stat, 'utf8'));
}

describe('the process that watches over jwtrot retire', () => {
  it('ends a worker that hangs, with what it had started, and says what was done and what is open', async () => {
    const pidFile = join(folder, 'child');
    const { ended, took } = runs('hangs with a child', SOON, { PID_FILE: pidFile });
    const { error } = await ended;
    expect(took()).toBeLessThan(8_000);
    expect({ code: error.code, exit: error.exit }).toEqual({ code: 'wall', exit: 4 });
    expect(error.message).toContain('the retirement of key k1 of keyset api in directory /s was stopped');
    expect(error.message).toContain('done: record the request to retire k1 (a key was retired); still open: write the');
    expect(error.message).toContain('gateway/a (no answer within 2s)');
    expect(error.message).not.toContain('gateway/b');
    expect(error.hint).toBe("go on with what is open: jwtrot 'hangs with a child' --kid 'it is'");
    const child = Number(readFileSync(pidFile, 'utf8'));
    await until(() => !isRunning(child), 'what it had started is gone');
  });

  it('says that nothing was changed where not even the key was found', async () => {
    const { error } = await runs('hangs at once', SOON).ended;
    expect({ code: error.code, exit: error.exit }).toEqual({ code: 'wall', exit: 3 });
    expect(error.message).toContain('nothing was changed');
  });

  it('hands on how a worker ended that was done and could not exit', async () => {
    const { ended, took, printed } = runs('is done and does not exit', LATE);
    expect(await ended).toEqual({ exit: 75, error: null });
    expect(printed.out).toBe('{"schema":1}\n');
    expect(took()).toBeLessThan(5_000);
  });

  it.each([
    ['is killed', 'SIGKILL'],
    ['is interrupted twice', 'SIGTERM'],
  ])('says so where something else has ended the worker: it %s', async (way, signal) => {
    const { error } = await runs(way, LATE).ended;
    expect({ code: error.code, exit: error.exit }).toEqual({ code: 'worker-ended', exit: 4 });
    expect(error.message).toContain(`the retirement of key k1 of keyset api in directory /s was ended by ${signal}`);
  });

  it('lets no time run while a person is asked', async () => {
    expect(await runs('asks for six seconds', SOON).ended).toEqual({ exit: 2, error: null });
  });

  it('ends a worker that does not heed an interruption', async () => {
    const { ended, controller, took } = runs('does not heed an interruption', LATE);
    setTimeout(() => controller.abort(new Interrupted('SIGTERM')), 500);
    expect((await ended).error).toMatchObject({ by: 'SIGTERM', exit: 143 });
    expect(took()).toBeLessThan(5_500);
  });

  it('gives the worker its own command line and environment, and a pool that four files that hang do not block', async () => {
    const { ended, printed } = runs('says how it is run', LATE, { PASSED_ON: 'x', UV_THREADPOOL_SIZE: '2' });
    expect((await ended).exit).toBe(0);
    expect(JSON.parse(printed.out)).toEqual({
      threads: '128',
      mark: '1',
      passedOn: 'x',
      argv: ['says how it is run', '--kid', 'it is'],
    });
  });

  it('does without a worker where none can be started', async () => {
    // More than an environment may hold.
    const { ended, printed } = runs('is not started', LATE, { LARGE: 'x'.repeat(3_000_000) });
    expect((await ended).error).toMatchObject({ code: 'which-key' });
    expect(printed.err).toContain('no second process could be started: if a file hangs, nobody ends this one\n');
  });
});
