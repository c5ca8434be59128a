import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { decodeJson, isJsonObject } from '../../src/keyset/basics/foreign-json.js';
import { fuzz } from './fuzz.js';
import { targetsIn } from './targets.js';
import { told } from './told.js';

const CORPUS = join(import.meta.dirname, 'corpus');

it('10,000 mutated inputs meet no unforeseen failure, and what is taken is not lost', async () => {
  const { taken, failures } = await fuzz(CORPUS, 1, 10_000);
  expect(failures.map(told)).toEqual([]);
  // Some of them are still sound: else the mutations would show nothing.
  expect(taken).toBeGreaterThan(500);
  expect(taken).toBeLessThan(9_500);
}, 120_000);

it('a table that is asked with a name from outside is found, and its seed finds it again', async () => {
  const members: Record<string, string[]> = { RSA: ['n', 'e'], EC: ['crv', 'x', 'y'], OKP: ['crv', 'x'] };
  const planted = {
    name: 'planted',
    corpus: ['jwks.json'],
    weight: 1,
    read(input: Buffer) {
      const { value } = decodeJson(input.toString()) as { value?: { keys?: unknown } };
      const keys = Array.isArray(value?.keys) ? (value.keys as unknown[]) : [];
      for (const key of keys.filter(isJsonObject)) {
        if (typeof key['kty'] === 'string') members[key['kty']]?.every((member) => member in key);
      }
    },
  };
  const [failure] = (await fuzz(CORPUS, 1, 10_000, planted)).failures;
  expect(told(failure!)).toMatch(/^npm run fuzz -- --seed \d+ --runs 1: planted: TypeError: .*every is not a function/);
  expect((await fuzz(CORPUS, failure!.seed, 1, planted)).failures).toHaveLength(1);
});

it('the corpus is sound: what is changed would be taken as it is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jwtrot-corpus-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const { name, corpus, read } of targetsIn(folder)) {
    const answer = await read(readFileSync(join(CORPUS, corpus[0] ?? '')));
    expect({ name, answer }).not.toEqual({ name, answer: null });
  }
});
