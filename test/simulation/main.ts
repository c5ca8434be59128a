import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import { rate } from './rate.js';
import { simulate } from './simulate.js';
import { count, describe, noSums } from './sums.js';
import { prepare, serve, sweep } from './sweep.js';
import { SPAN, seedAt, THEMES, themeOf } from './themes.js';

const say = (text: string) => process.stdout.write(`${text}\n`);

if (isMainThread) await main();
else serve();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string', default: '2000' },
      from: { type: 'string', default: '1' },
      theme: { type: 'string' },
      list: { type: 'string' },
      seconds: { type: 'string', default: 'Infinity' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      'keep-going': { type: 'boolean', default: false },
      rate: { type: 'string' },
    },
  });
  if (values.rate !== undefined) return measure(Number(values.rate));
  if (values.seed !== undefined) return replay(Number(values.seed));
  const seeds = values.list?.split(',').map(Number) ?? seedsOf(values);
  const started = performance.now();
  prepare();
  const sums = await sweep(seeds, {
    jobs: Number(values.jobs),
    limit: 1_000 * Number(values.seconds),
    most: values['keep-going'] ? Number.POSITIVE_INFINITY : 20,
    onFailure: ({ seed, invariant, what }) => {
      say(`seed ${seed} (${themeOf(seed)}): ${invariant}: ${what}\n  npm run simulate -- --seed ${seed}`);
      process.exitCode = 1;
    },
  });
  process.stdout.write(describe(sums, performance.now() - started));
}

function seedsOf(values: { from: string; seeds: string; theme?: string | undefined }): number[] {
  const from = Number(values.from);
  const first = values.theme === undefined ? null : Number(values.theme) * SPAN;
  return Array.from({ length: Number(values.seeds) }, (_, i) => (first === null ? seedAt(from + i) : first + from + i));
}

async function measure(rotations: number): Promise<void> {
  prepare();
  await rate(rotations); // the compiler warms up
  const { seconds, ...sums } = await rate(rotations);
  const each = (value: number) => (value / sums.rotations).toFixed(1);
  say(
    `${sums.rotations} rotations in ${seconds.toFixed(2)} s on one core: ${Math.round(sums.rotations / seconds)} a second ` +
      `(each ${each(sums.runs)} runs, ${each(sums.commits)} commits, ${each(sums.steps)} steps)`,
  );
}

async function replay(seed: number): Promise<void> {
  const result = await simulate(seed, { verbose: true });
  const sums = noSums();
  count(sums, result);
  for (const line of result.history) say(line);
  say(`theme ${Math.floor(seed / SPAN)} of ${THEMES.length - 1}: ${themeOf(seed)}`);
  for (const { invariant, what } of result.broken) say(`seed ${seed}: ${invariant}: ${what}`);
  process.stdout.write(describe(sums, null));
  if (result.broken.length > 0) process.exitCode = 1;
}
