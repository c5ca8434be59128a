import { performance } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import { commandOf, type Options, readOptions, replayOf, seedsOf, UsageError } from './options.js';
import { rate } from './rate.js';
import { replay, replayShrunk } from './replaying.js';
import { describe } from './sums.js';
import { type Failure, prepare, serve, sweep } from './sweep.js';
import { themeOf } from './themes.js';

const HOUR = 3_600_000;

const say = (text: string) => {
  process.stdout.write(`${text.replace(/\n$/, '')}\n`);
};

// The reader of the output (`head`) has closed it.
process.stdout.on('error', () => process.exit());

if (!isMainThread) serve();
else {
  try {
    await main(readOptions());
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  }
}

async function main(options: Options): Promise<void> {
  if (options.rate !== undefined) return measure(Number(options.rate));
  const seed = options.seed;
  if (seed === undefined) return playMany(options);
  prepare();
  const play = options.shrink ? replayShrunk : replay;
  if (await play(Number(seed), replayOf(options), say)) process.exitCode = 1;
}

async function playMany(options: Options): Promise<void> {
  const isLong = options.hours !== undefined;
  // Each theme has a million seeds: start far from those that are played every day.
  const first = isLong ? 1_000_000 + Math.floor(Math.random() * 9_000_000) : 1;
  const endless = isLong ? { ...options, seeds: 'Infinity' } : options;
  if (isLong) say(`from ${options.from ?? first} on, for ${options.hours} h: --from ${options.from ?? first}`);
  const started = performance.now();
  prepare();
  const sums = await sweep(seedsOf(endless, first), {
    replay: { forced: replayOf(options).forced },
    shrinks: isLong || options.shrink,
    jobs: Number(options.jobs),
    limit: isLong ? HOUR * Number(options.hours) : 1_000 * Number(options.seconds),
    most: isLong || options['keep-going'] ? Number.POSITIVE_INFINITY : 20,
    stop: stopOnInterrupt(),
    onFailure: (failure) => {
      tell(failure, options);
      process.exitCode = 1;
    },
  });
  say(describe(sums, performance.now() - started));
}

function tell({ seed, invariant, what, shrunk }: Failure, options: Options): void {
  say(`seed ${seed} (${themeOf(seed)}): ${invariant}: ${what}`);
  say(shrunk ?? `  ${commandOf(seed, { forced: replayOf(options).forced })}`);
}

/** Ctrl-C ends the sweep with a summary of what was played; a second one ends it at once. */
function stopOnInterrupt(): Int32Array {
  const stop = new Int32Array(new SharedArrayBuffer(4));
  process.once('SIGINT', () => Atomics.store(stop, 0, 1));
  return stop;
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
