import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Owner } from '../../src/keyset/manifest/model.js';
import { createLinuxHost } from '../../src/outside/linux-host.js';
import { processFacts, startTimeOf } from '../../src/outside/processes.js';
import { showsWork, showWork } from '../../src/outside/work-file.js';
import { realClock } from '../services/services.js';

const folder = mkdtempSync(join(tmpdir(), 'jwtrot-host-'));
chmodSync(folder, 0o755);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const WORK = { keyset: 'api', store: 'directory /var/lib/jwtrot/store' };
/** Where runs show what they work on: the file of this work, which the program has open. */
const runs = join(folder, 'runs');
mkdirSync(runs);
await (await showWork(runs, WORK))();
const [shown] = readdirSync(runs);
const NOBODY = 65_534;
/** Says when it runs, and starts a child of its own. */
const PROGRAM = `
// Only now: another user may not be allowed to start this very Node.
if (process.argv.includes('of-nobody')) process.setuid(${NOBODY});
try {
  if (!process.argv.includes('idle')) require('node:fs').openSync(${JSON.stringify(join(runs, shown ?? ''))});
} catch {} // another user's
if (process.argv.includes('stubborn')) process.on('SIGTERM', () => {});
const child = require('node:child_process').spawn('sleep', ['600'], { stdio: 'ignore' });
console.log(child.pid);
setInterval(() => {}, 1000);
`;
const script = file('jwtrot.cjs');
const host = createLinuxHost(script, runs);

function file(name: string): string {
  const path = join(folder, name);
  writeFileSync(path, PROGRAM);
  chmodSync(path, 0o755);
  return path;
}
const other = (change: Partial<Owner>): Owner => ({ ...host.self, ...change });

describe('who holds a lease', () => {
  it('is alive while its process runs, and gone when it does not or is another of the same pid', async () => {
    expect(host.state(host.self)).toBe('alive');
    expect(host.state(other({ startTime: '1' }))).toBe('gone');
    const child = spawn('true');
    const pid = child.pid as number;
    await new Promise((resolve) => child.on('exit', resolve));
    expect(host.state(other({ pid, startTime: '1' }))).toBe('gone');
  });

  it('is gone when this host has been booted since', () => {
    expect(host.state(other({ bootId: '00000000-0000-0000-0000-000000000000' }))).toBe('gone');
  });

  it.each<[string, Partial<Owner>]>([
    ['another machine', { host: 'f'.repeat(32) }],
    ['another container', { pidNamespace: 'pid:[1]' }],
    ['a clone of the same image', { hostname: 'other', bootId: '00000000-0000-0000-0000-000000000000' }],
    ['a host whose boot is not known', { bootId: 'unknown' }],
  ])("can't be told on %s", (_, change) => {
    expect(host.state(other(change))).toBe('elsewhere');
  });
});

const ROOT = process.getuid?.() === 0;

/** A process that could be named in a lease. */
async function started(program: string, args: readonly string[], options: { cwd?: string } = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'], ...options });
  const line = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.stdout?.once('data', (chunk) => resolve(String(chunk)));
  });
  return { child, pid: child.pid as number, line: Number(line), owner: ownerOf(child.pid as number) };
}

function ownerOf(pid: number): Owner {
  return other({ pid, startTime: startTimeOf(pid) as string });
}

const isAlive = (pid: number) => processFacts(pid) !== null;

async function endAll(child: ChildProcess, ...more: number[]): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  for (const pid of [child.pid as number, ...more]) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  await gone;
}

describe('ending who holds a lease', () => {
  it.each([
    ['by its path', [script, 'rotate'], 'SIGTERM'],
    ['after options of Node', ['--no-warnings', '--conditions', 'x', script], 'SIGTERM'],
    ['in vain at first', [script, 'stubborn'], 'SIGKILL'],
  ])('ends another run of this very program with its children: %s', async (_, args, by) => {
    const { child, pid, line: grandchild, owner } = await started(process.execPath, args);
    const exited = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
    expect(await host.end(owner, WORK, realClock)).toBeNull();
    expect(await exited).toBe(by);
    expect([pid, grandchild].filter(isAlive)).toEqual([]);
  });

  it('knows it behind the link that it was called by, and by a relative path', async () => {
    const link = join(folder, 'link');
    symlinkSync(script, link);
    for (const [at, cwd] of [
      [link, '/'],
      ['./jwtrot.cjs', folder],
    ] as const) {
      const { line: grandchild, owner } = await started(process.execPath, [at], { cwd });
      expect(await createLinuxHost(link, runs).end(owner, WORK, realClock)).toBeNull();
      expect([owner.pid, grandchild].filter(isAlive)).toEqual([]);
    }
  });

  it('leaves a stranger alone whom a forged lease names', async () => {
    copyFileSync(process.execPath, join(folder, 'copy'));
    const strangers: [string, string[]][] = [
      ['sh', ['-c', 'echo 1; sleep 600']],
      // Another program of Node, one that merely mentions jwtrot, and jwtrot's file run by another Node.
      [process.execPath, [file('another.cjs')]],
      [process.execPath, [file('another.cjs'), script]],
      [process.execPath, ['--conditions', script, file('another.cjs')]],
      [join(folder, 'copy'), [script]],
    ];
    for (const [program, args] of strangers) {
      const { child, pid, line: grandchild, owner } = await started(program, args);
      expect(await host.end(owner, WORK, realClock), `${program} ${args}`).toBe('it runs another program');
      expect(isAlive(pid)).toBe(true);
      await endAll(child, grandchild > 1 ? grandchild : pid);
    }
  });

  it('leaves a run alone that works on another keyset, in another store, or on nothing', async () => {
    const [busy, idle] = [await started(process.execPath, [script]), await started(process.execPath, [script, 'idle'])];
    const others = [
      [busy, { ...WORK, keyset: 'web' }],
      [busy, { ...WORK, store: 'directory /srv/store' }],
      [idle, WORK],
    ] as const;
    for (const [{ owner }, work] of others) {
      // It is no matter whether anybody has ever worked on that.
      await (await showWork(runs, work))();
      expect(await host.end(owner, work, realClock)).toBe('it does not work on this keyset in this store');
    }
    expect([busy, idle].map(({ pid }) => isAlive(pid))).toEqual([true, true]);
    expect(await host.end(busy.owner, WORK, realClock)).toBeNull();
    await endAll(idle.child, idle.line);
  });

  it('is shown for as long as a run works on it', async () => {
    const endWork = await showWork(runs, WORK);
    expect(await showsWork(process.pid, runs, WORK)).toBe(true);
    await endWork();
    expect(await showsWork(process.pid, runs, WORK)).toBe(false);
    // Where nothing can be shown the run goes on all the same.
    await (await showWork(join(folder, 'nowhere'), WORK))();
    expect(await showsWork(process.pid, join(folder, 'nowhere'), WORK)).toBe(false);
  });

  it('leaves one of another user alone, even if it is jwtrot', async () => {
    if (!ROOT) {
      expect(await host.end(ownerOf(1), WORK, realClock)).toBe('it is a process of user 0');
      return;
    }
    const { child, pid, line: grandchild, owner } = await started(process.execPath, [script, 'of-nobody']);
    expect(await host.end(owner, WORK, realClock)).toBe(`it is a process of user ${NOBODY}`);
    expect(isAlive(pid)).toBe(true);
    await endAll(child, grandchild);
  });

  it('ends neither itself nor one of the same pid that began later', async () => {
    expect(await host.end(host.self, WORK, realClock)).toBe('it is this very run');
    // Nor what started it: `jwtrot retire` is watched over by a process of the same executable and script.
    const parent = { pid: process.ppid, startTime: startTimeOf(process.ppid) ?? '' };
    expect(await host.end(other(parent), WORK, realClock)).toBe('it is this very run');
    const { child, pid, line: grandchild } = await started(process.execPath, [script]);
    expect(await host.end(other({ pid, startTime: '1' }), WORK, realClock)).toBeNull();
    expect(isAlive(pid)).toBe(true);
    await endAll(child, grandchild);
  });
});
