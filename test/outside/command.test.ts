import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { type CommandOptions, runCommand } from '../../src/outside/command.js';
import { killRunningGroups } from '../../src/outside/process-group.js';

const folder = mkdtempSync(join(tmpdir(), 'jwtrot-command-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (argv: [string, ...string[]], more: Partial<CommandOptions> = {}, env: string[] = []) =>
  runCommand({ argv, env }, { timeout: 10_000, signal: new AbortController().signal, env: {}, ...more });
const node = (script: string, more: Partial<CommandOptions> = {}, env: string[] = []) =>
  run([process.execPath, '-e', script], more, env);

/** True while a process with this id runs (a zombie that nobody has reaped does not). */
function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function eventually(holds: () => boolean): Promise<boolean> {
  for (let i = 0; i < 200; i++) {
    if (holds()) return true;
    await sleep(20);
  }
  return false;
}

describe('a command is run', () => {
  it('without a shell: what a shell would expand stays as it is', async () => {
    expect(await run(['printf', '%s|', '$HOME; echo `id`', '*'])).toEqual({
      ok: true,
      stdout: '$HOME; echo `id`|*|',
      truncated: false,
    });
  });

  it('with a fixed environment, and what it names and nothing else', async () => {
    const outer = { TOKEN: 'secret', WANTED: 'yes', PATH: '/elsewhere' };
    const result = await run(['env'], { env: outer, extraEnv: { JWTROT_REVISION: '7' } }, ['WANTED', 'ABSENT']);
    expect(result).toMatchObject({ ok: true });
    const lines = result.ok ? result.stdout.trim().split('\n').sort() : [];
    expect(lines).toEqual([
      'JWTROT_REVISION=7',
      'LANG=C.UTF-8',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'WANTED=yes',
    ]);
  });

  it('with /dev/null as standard input, or with what is handed in', async () => {
    expect(await run(['readlink', '/proc/self/fd/0'])).toMatchObject({ ok: true, stdout: '/dev/null\n' });
    expect(await run(['cat'], { stdin: '{"keys":[]}' })).toMatchObject({ ok: true, stdout: '{"keys":[]}' });
    expect(await run(['cat'], { stdin: new Uint8Array([104, 105]) })).toMatchObject({ ok: true, stdout: 'hi' });
  });

  it('even if it never reads its standard input', async () => {
    expect(await run(['true'], { stdin: 'x'.repeat(1_000_000) })).toMatchObject({ ok: true });
  });

  it('and output beyond 64 KiB is dropped without failing', async () => {
    const result = await node('process.stdout.write("x".repeat(300_000))');
    expect(result).toMatchObject({ ok: true, truncated: true });
    expect(result.ok && result.stdout.length).toBe(65_536);
  });
});

describe('a command that fails', () => {
  it('is reported with its exit status and the end of what it said', async () => {
    const result = await node('process.stderr.write("x".repeat(5000) + "\\nno such container\\n"); process.exit(3)');
    expect(result).toMatchObject({ ok: false, kind: 'failed' });
    expect(!result.ok && result.reason).toMatch(/^exit 3: ".*no such container"$/);
    expect(!result.ok && result.reason.length).toBeLessThan(250);
  });

  it('has no escape code and no line break in its reason', async () => {
    const result = await node('process.stderr.write("\\u001b[2Jgone\\nforged line"); process.exit(1)');
    expect(!result.ok && result.reason).toBe('exit 1: "\\u001b[2Jgone\\nforged line"');
  });

  it('names the signal that ended it', async () => {
    expect(await node('process.kill(process.pid, "SIGKILL")')).toMatchObject({ ok: false, reason: 'ended by SIGKILL' });
  });

  it('is told apart from a program that is not there or may not be executed', async () => {
    expect(await run(['/nowhere/reload'])).toMatchObject({
      ok: false,
      kind: 'missing',
      reason: 'no such program "/nowhere/reload"',
    });
    expect(await run(['jwtrot-no-such-program'])).toMatchObject({ ok: false, kind: 'missing' });
    expect(await run(['/etc/passwd'])).toMatchObject({
      ok: false,
      kind: 'denied',
      reason: 'cannot run "/etc/passwd": permission denied',
    });
    expect(await run(['true', 'a\0b'])).toMatchObject({ ok: false, kind: 'failed' });
  });
});

describe('a command that takes too long', () => {
  it('is ended with its whole process group', async () => {
    const file = join(folder, 'grandchild');
    const script = `sh -c 'echo $$ > ${file}; exec sleep 60' & wait`;
    const started = performance.now();
    const result = await run(['sh', '-c', script], { timeout: 400 });
    expect(result).toMatchObject({ ok: false, kind: 'expired', reason: 'not done within 400ms' });
    expect(performance.now() - started).toBeLessThan(4_000);
    const grandchild = Number(readFileSync(file, 'utf8'));
    expect(grandchild).toBeGreaterThan(1);
    expect(await eventually(() => !isRunning(grandchild))).toBe(true);
  });

  it('gets SIGKILL after two seconds when it ignores SIGTERM', async () => {
    const file = join(folder, 'stubborn');
    const script = `trap '' TERM; echo $$ > ${file}; while :; do sleep 0.05; done`;
    const started = performance.now();
    const result = await run(['sh', '-c', script], { timeout: 300 });
    const took = performance.now() - started;
    expect(result).toMatchObject({ ok: false, kind: 'expired' });
    expect(took).toBeGreaterThan(2_000);
    // Left alone it would never end.
    expect(took).toBeLessThan(15_000);
    const stubborn = Number(readFileSync(file, 'utf8'));
    expect(await eventually(() => !isRunning(stubborn))).toBe(true);
  });

  it('is ended at once when the run is interrupted, and not started after that', async () => {
    const controller = new AbortController();
    const file = join(folder, 'interrupted');
    setTimeout(() => controller.abort(), 200);
    const started = performance.now();
    const result = await run(['sleep', '60'], { signal: controller.signal });
    expect(result).toMatchObject({ ok: false, kind: 'interrupted', reason: 'interrupted' });
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(await run(['touch', file], { signal: controller.signal })).toMatchObject({ ok: false });
    expect(existsSync(file)).toBe(false);
  });
});

describe('a command that this process does not wait for', () => {
  it('is ended with its process group when this process ends, though it heeds no SIGTERM', async () => {
    const file = join(folder, 'unheeding');
    const script = `trap '' TERM; (while :; do sleep 0.05; done) & echo $$ $! > ${file}; wait; while :; do sleep 0.05; done`;
    const controller = new AbortController();
    const running = run(['sh', '-c', script], { signal: controller.signal });
    expect(await eventually(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'))).toBe(true);
    const pids = readFileSync(file, 'utf8').trim().split(' ').map(Number);
    controller.abort();
    const began = performance.now();
    killRunningGroups();
    expect(await eventually(() => !pids.some(isRunning))).toBe(true);
    expect(performance.now() - began).toBeLessThan(1_500);
    expect(await running).toMatchObject({ ok: false });
  });
});

describe('a command that leaves a child behind', () => {
  it('is not waited for, although the child holds the pipes, and the child lives on', async () => {
    const file = join(folder, 'daemon');
    const started = performance.now();
    const result = await run(['sh', '-c', `sleep 20 & echo $! > ${file}; echo started`], { timeout: 10_000 });
    expect(result).toMatchObject({ ok: true, stdout: 'started\n' });
    expect(performance.now() - started).toBeLessThan(3_000);
    const daemon = Number(readFileSync(file, 'utf8'));
    expect(isRunning(daemon)).toBe(true);
    process.kill(daemon, 'SIGKILL');
  });

  it('is over two seconds after its time, whatever holds the pipes in a session of its own', async () => {
    const file = join(folder, 'escaped');
    const script = `trap "" TERM; setsid sh -c 'echo $$ > ${file}; exec sleep 20' & sleep 20`;
    const started = performance.now();
    const result = await run(['sh', '-c', script], { timeout: 300 });
    expect(result).toMatchObject({ ok: false, kind: 'expired' });
    expect(performance.now() - started).toBeLessThan(5_000);
    const escaped = Number(readFileSync(file, 'utf8'));
    expect(isRunning(escaped)).toBe(true); // it may be the service itself
    process.kill(escaped, 'SIGKILL');
  });
});
