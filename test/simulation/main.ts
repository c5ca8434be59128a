import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { rate } from './rate.js';
import { type SeedResult, simulate } from './simulate.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    'keep-going': { type: 'boolean', default: false },
    rate: { type: 'string' },
  },
});

if (values.rate !== undefined) {
  await rate(Math.ceil(Number(values.rate) / 10)); // the compiler warms up
  const { done, seconds } = await rate(Number(values.rate));
  process.stdout.write(`${done} rotations in ${seconds.toFixed(2)} s: ${Math.round(done / seconds)} a second\n`);
} else if (values.seed !== undefined) {
  const result = await simulate(Number(values.seed), { verbose: true });
  process.stdout.write(`${result.history.join('\n')}\n`);
  report([result], 0);
  process.exitCode = result.broken.length > 0 ? 1 : 0;
} else {
  const started = performance.now();
  const results: SeedResult[] = [];
  const from = Number(values.from);
  let failures = 0;
  for (let seed = from; seed < from + Number(values.seeds); seed += 1) {
    const result = await simulate(seed);
    results.push({ ...result, history: [] });
    const [first] = result.broken;
    if (first === undefined) continue;
    failures += 1;
    process.stdout.write(`seed ${seed}: ${first.invariant}: ${first.what.split('\n')[0]}\n`);
    process.exitCode = 1;
    if (!values['keep-going'] && failures >= 20) break;
  }
  report(results, performance.now() - started);
}

function report(results: readonly SeedResult[], elapsed: number): void {
  const sum = (of: (one: SeedResult) => number) =>
    results.reduce((total, one) => total + of(one), 0).toLocaleString('en');
  const broken = results.filter((one) => one.broken.length > 0).length;
  process.stdout.write(
    `${results.length} seeds, ${sum((one) => one.steps)} steps, ${sum((one) => one.runs)} runs, ${sum((one) => one.rotations)} rotations, ` +
      `${sum((one) => one.kills)} kills, ${sum((one) => one.pauses)} pauses, ${sum((one) => one.faults)} faults, ` +
      `${sum((one) => one.tokens)} tokens presented; ${broken} broken` +
      (elapsed > 0 ? `; ${(elapsed / 1000).toFixed(1)} s\n` : '\n'),
  );
}
