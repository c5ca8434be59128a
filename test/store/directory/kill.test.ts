import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { MINUTE } from '../../../src/keyset/basics/clock.js';
import { decodeManifest } from '../../../src/keyset/manifest/encoding.js';
import type { Manifest } from '../../../src/keyset/manifest/model.js';
import { commit, read } from '../../conformance/store-commits.js';
import { nextManifest, thumbprintOf } from '../../support/manifest.js';
import { everythingIn, makeStore, temporaryFolder } from './made.js';

const ROUNDS = 12;

async function buildChild(): Promise<string> {
  const outfile = join(await temporaryFolder(), 'child.mjs');
  const entry = new URL('committing-child.ts', import.meta.url).pathname;
  await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' });
  return outfile;
}

/** Lets a process commit, kills it at a random instant (at most `most` ms after it began), and answers with the lines that it wrote. */
async function runAndKill(program: string, path: string, name: string, most: number): Promise<string[]> {
  const child = spawn(process.execPath, [program, path, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const ended = once(child, 'close');
  child.stdout.on('data', (data) => {
    if (output === '') setTimeout(() => child.kill('SIGKILL'), Math.random() * most);
    output += data;
  });
  const [, signal] = await ended;
  expect(signal).toBe('SIGKILL');
  // Of a line that was cut by the kill nothing is known.
  return output.split('\n').slice(1, -1);
}

/** Every revision that is kept, each checked in full. */
async function chain(path: string): Promise<Manifest[]> {
  const folder = join(path, 'api/manifest');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return Promise.all(texts.map((text, index) => decodeManifest(text, 'api', names[index] ?? '', thumbprintOf)));
}

describe('a store whose writers are killed (SIGKILL) at random instants', () => {
  it('stays readable, with every commit that was said to have won', async () => {
    const program = await buildChild();
    const { path, store, clock } = await makeStore();
    const acknowledged = new Map<number, string>();
    // On a busy machine most are killed before their first commit: it goes on, and lets them live longer, until enough was won.
    const isEnough = (round: number) => round >= ROUNDS && acknowledged.size > ROUNDS;
    for (let round = 0; round < 10 * ROUNDS && !isEnough(round); round++) {
      const most = 120 * Math.max(1, round / ROUNDS);
      const outputs = await Promise.all(['a', 'b'].map((name) => runAndKill(program, path, `${name}${round}`, most)));
      for (const line of outputs.flat()) {
        const [first = '', second = ''] = line.split(' ');
        if (first === 'key') {
          expect(await store.getKey('api', second)).toMatchObject({ kid: second });
          continue;
        }
        // No revision is ever won twice.
        expect(acknowledged.get(Number(first))).toBeUndefined();
        acknowledged.set(Number(first), second);
      }
      if (acknowledged.size === 0) continue;
      const { manifest } = await read(store, 'api');
      expect(manifest.commits).toHaveLength(Math.min(64, manifest.revision));
      const oldest = manifest.revision - manifest.commits.length + 1;
      for (const [revision, id] of acknowledged) {
        if (revision >= oldest) expect(manifest.commits[revision - oldest]?.id).toBe(id);
      }
      expect(Math.max(...acknowledged.keys())).toBeLessThanOrEqual(manifest.revision);
    }
    expect(acknowledged.size).toBeGreaterThan(ROUNDS);

    const kept = await chain(path);
    kept.slice(1).forEach((later, index) => {
      const former = kept[index] as Manifest;
      expect(later.revision).toBe(former.revision + 1);
      const ids = former.commits.map((one) => one.id);
      expect([...ids, later.commits.at(-1)?.id].slice(-64)).toEqual(later.commits.map((one) => one.id));
    });

    clock.set(Date.now() + 11 * MINUTE);
    const newest = await read(store, 'api');
    await commit(store, nextManifest(newest.manifest), newest);
    const left = await everythingIn(join(path, 'api/manifest'));
    expect(left.filter((name) => name.startsWith('.'))).toEqual([]);
    expect(left).toHaveLength(8);
  });
});
