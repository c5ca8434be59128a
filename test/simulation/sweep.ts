import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { useLightSignals } from './light-abort.js';
import { describeShrunk } from './replaying.js';
import { shrink } from './shrink.js';
import { type Replay, simulate } from './simulate.js';
import { add, count, noSums, type Sums } from './sums.js';

export interface Failure {
  readonly seed: number;
  readonly invariant: string;
  readonly what: string;
  /** The fewest events that break the same invariant, as text; null: not asked for. */
  readonly shrunk: string | null;
}

/** How each seed is played. */
export interface Playing {
  readonly replay: Pick<Replay, 'forced'>;
  readonly shrinks: boolean;
}

interface Played {
  readonly sums: Sums;
  readonly failures: readonly Failure[];
}

export interface SweepOptions extends Playing {
  /** How many threads. */
  readonly jobs: number;
  readonly onFailure: (failure: Failure) => void;
  /** After this many failures no more seeds are begun. */
  readonly most: number;
  /** Nor are they after this many milliseconds. */
  readonly limit: number;
  /** Not zero: each thread stops after its present seed. */
  readonly stop: Int32Array;
}

/** Seeds that a thread is given at a time. */
const CHUNK = 25;

async function play(seeds: readonly number[], { replay, shrinks }: Playing, stop: Int32Array): Promise<Played> {
  const sums = noSums();
  const failures: Failure[] = [];
  for (const seed of seeds) {
    if (Atomics.load(stop, 0) !== 0) break;
    const result = await simulate(seed, replay);
    count(sums, result);
    const [first] = result.broken;
    if (first === undefined) continue;
    const shrunk = shrinks ? await shrink(seed, replay) : null;
    const what = first.what.split('\n')[0] ?? '';
    failures.push({ seed, invariant: first.invariant, what, shrunk: shrunk && describeShrunk(shrunk) });
  }
  return { sums, failures };
}

/** Plays seeds, on threads of their own if there are to be several. */
export async function sweep(seeds: Iterator<number>, options: SweepOptions): Promise<Sums> {
  const { jobs, onFailure, most, limit, stop } = options;
  const sums = noSums();
  const ends = performance.now() + limit;
  let failures = 0;
  const take = () => {
    const chunk: number[] = [];
    if (failures >= most || performance.now() >= ends || Atomics.load(stop, 0) !== 0) return chunk;
    for (let next = seeds.next(); !next.done; next = seeds.next()) {
      chunk.push(next.value);
      if (chunk.length === CHUNK) break;
    }
    return chunk;
  };
  const done = (played: Played) => {
    add(sums, played.sums);
    failures += played.failures.length;
    for (const failure of played.failures) onFailure(failure);
  };
  const inThread = async () => {
    for (let chunk = take(); chunk.length > 0; chunk = take()) done(await play(chunk, options, stop));
  };
  const workers = () => Array.from({ length: jobs }, () => inWorker(take, done, options));
  await Promise.all(jobs <= 1 ? [inThread()] : workers());
  return sums;
}

function inWorker(take: () => number[], done: (played: Played) => void, options: SweepOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const { replay, shrinks, stop } = options;
    // Each thread runs this very bundle, which tells from the thread what to do.
    const worker = new Worker(new URL(import.meta.url), { workerData: { replay, shrinks, stop } });
    const give = () => {
      const chunk = take();
      if (chunk.length > 0) worker.postMessage(chunk);
      else void worker.terminate().then(() => resolve(), reject);
    };
    worker.on('message', (played: Played) => {
      done(played);
      give();
    });
    worker.on('error', reject);
    give();
  });
}

/** In a thread: plays what it is given. */
export function serve(): void {
  prepare();
  const { stop, ...playing } = workerData as Playing & { stop: Int32Array };
  parentPort?.on('message', (seeds: number[]) => {
    void play(seeds, playing, stop).then((played) => parentPort?.postMessage(played));
  });
}

/** For a process or thread that does nothing but simulate. */
export function prepare(): void {
  useLightSignals();
  // Most objects live for one step: a large young generation halves the time for garbage collection.
  setFlagsFromString('--max-semi-space-size=64');
  setFlagsFromString('--semi-space-growth-factor=4');
  // Millions of errors are made here, and nobody reads their stacks.
  Error.stackTraceLimit = 0;
}
