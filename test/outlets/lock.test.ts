import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { jwkSetText } from '../../src/keyset/published/jwk-set.js';
import { newPair } from '../support/manifest.js';
import { contentOf, diskFolder, noKey, portOf, refusal, toFile, write } from './support.js';

let folder: string;
let program: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'jwtrot-holder-'));
  program = join(folder, 'holder.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('holder.ts', import.meta.url))],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'silent',
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function start(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return child;
}

async function holding(...args: string[]): Promise<ChildProcess> {
  const child = start(...args);
  await new Promise<void>((ready, failed) => {
    child.stdout?.once('data', () => ready());
    child.once('exit', (code) => failed(new Error(`the holder ended with ${code}`)));
  });
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  const ended = new Promise((done) => child.once('exit', done));
  child.kill('SIGKILL');
  await ended;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

const untouched = async () => 'had it';

describe('the lock of the outlets', () => {
  it('keeps another process out for as long as it is held', async () => {
    const path = join(diskFolder(), 'jwks.json');
    const holder = await holding(path, 'hold');
    const port = portOf({ publish: [toFile(path)] });
    const started = performance.now();
    const error = await refusal(port.locked({ timeout: 300, alone: false }, untouched));
    expect(error).toMatchObject({ kind: 'leased', code: 'outlet-busy', exit: 75 });
    expect(performance.now() - started).toBeGreaterThan(250);
    expect(await refusal(port.locked({ timeout: 0, alone: false }, untouched))).toMatchObject({ code: 'outlet-busy' });
    const waiting = port.locked({ timeout: 10_000, alone: false }, untouched);
    await sleep(100);
    await killed(holder);
    expect(await waiting).toBe('had it');
  });

  it('is freed when its holder is killed, though children of it live on', async () => {
    const path = join(diskFolder(), 'jwks.json');
    const holder = await holding(path, 'child');
    const pids = readFileSync(`${path}.pid`, 'utf8').split(' ').map(Number);
    try {
      await killed(holder);
      expect(pids.map(isAlive)).toEqual([true, true]);
      expect(await portOf({ publish: [toFile(path)] }).locked({ timeout: 1_000, alone: false }, untouched)).toBe(
        'had it',
      );
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGKILL');
    }
  });

  it('is freed when its user throws', async () => {
    const port = portOf({ publish: [toFile(join(diskFolder(), 'jwks.json'))] });
    const failing = port.locked({ timeout: 1_000, alone: false }, async () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await port.locked({ timeout: 1_000, alone: false }, untouched)).toBe('had it');
  });

  it('loses no update of several processes that take it in turn', async () => {
    const path = join(diskFolder(), 'jwks.json');
    writeFileSync(`${path}.count`, '0');
    const writers = [1, 2, 3].map(() => start(path, 'count', '8'));
    const codes = await Promise.all(writers.map((child) => new Promise((done) => child.once('exit', done))));
    expect(codes).toEqual([0, 0, 0]);
    expect(readFileSync(`${path}.count`, 'utf8')).toBe('24');
  });

  it('keeps apart two users in one process', async () => {
    const path = join(diskFolder(), 'jwks.json');
    const port = portOf({ publish: [toFile(path)] });
    await port.locked({ timeout: 1_000, alone: false }, async () => {
      expect(
        await refusal(portOf({ publish: [toFile(path)] }).locked({ timeout: 100, alone: false }, untouched)),
      ).toMatchObject({
        code: 'outlet-busy',
      });
    });
  });

  it('is taken once where two names lead to one file, and in one order by all', async () => {
    const [one, two] = [diskFolder(), diskFolder()];
    const { symlinkSync } = await import('node:fs');
    symlinkSync(one, join(two, 'link'));
    const [a, b, alias] = [join(one, 'jwks.json'), join(two, 'jwks.json'), join(two, 'link', 'jwks.json')];
    const forth = portOf({ publish: [toFile(a), toFile(b), toFile(alias)] });
    const back = portOf({ publish: [toFile(b), toFile(alias)] });
    const turns = Array.from({ length: 6 }, (_, i) =>
      (i % 2 === 0 ? forth : back).locked({ timeout: 20_000, alone: false }, untouched),
    );
    expect(await Promise.all(turns)).toEqual(turns.map(() => 'had it'));
  });

  it('holds although its file was removed while it was waited for', async () => {
    const path = join(diskFolder(), 'jwks.json');
    const lock = join(path, '..', '.jwks.json.jwtrot-lock');
    const holder = await holding(path, 'hold');
    const waiting = portOf({ publish: [toFile(path)] }).locked({ timeout: 10_000, alone: false }, async () => {
      const other = portOf({ publish: [toFile(path)] }).locked({ timeout: 200, alone: false }, untouched);
      return (await refusal(other)).code;
    });
    await sleep(300);
    unlinkSync(lock);
    await killed(holder);
    expect(await waiting).toBe('outlet-busy');
  });

  it('says how to get flock where there is none', async () => {
    const error = await refusal(
      portOf({ publish: [toFile(join(diskFolder(), 'jwks.json'))], path: '/nonexistent' }).locked(
        { timeout: 1_000, alone: false },
        untouched,
      ),
    );
    expect(error).toMatchObject({ kind: 'refused', code: 'no-flock', exit: 5 });
    expect(error.hint).toContain('util-linux');
  });

  it('is not needed where there are no outlets', async () => {
    expect(await portOf({ path: '/nonexistent' }).locked({ timeout: 0, alone: false }, untouched)).toBe('had it');
  });
});

describe('a run that is killed while it writes', () => {
  it('leaves a whole file, and the next run takes away what else it left', async () => {
    const outlets = diskFolder();
    const path = join(outlets, 'jwks.json');
    const pairs = [await newPair(), await newPair(), await newPair()];
    const contents = [
      contentOf(1, pairs),
      { ...contentOf(1, pairs.slice(0, 1)), knownKids: contentOf(1, pairs).knownKids },
    ];
    const file = join(outlets, 'contents');
    writeFileSync(file, JSON.stringify(contents));
    const texts = contents.map((content) => jwkSetText(content.jwks));
    for (let round = 0; round < 4; round++) {
      const writer = await holding(path, 'rewrite', file);
      const until = performance.now() + 50 + 40 * round;
      while (performance.now() < until) {
        if (existsSync(path)) expect(texts).toContain(readFileSync(path, 'utf8'));
        await sleep(1);
      }
      await killed(writer);
      if (existsSync(path)) expect(texts).toContain(readFileSync(path, 'utf8'));
      const next = { ...contents[0]!, revision: 1_000_000 };
      await write(portOf({ publish: [toFile(path)] }), next, { privateKey: noKey });
      expect(readFileSync(path, 'utf8')).toBe(texts[0]);
      expect(readdirSync(outlets).sort()).toEqual([
        '.jwks.json.jwtrot',
        '.jwks.json.jwtrot-lock',
        'contents',
        'jwks.json',
      ]);
      unlinkSync(join(outlets, '.jwks.json.jwtrot'));
    }
  });
});
