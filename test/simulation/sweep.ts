import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { parentPort, Worker } from 'node:worker_threads';
import { useLightSignals } from './light-abort.js';
import { simulate } from './simulate.js';
import { add, count, noSums, type Sums } from './sums.js';

export interface Failure {
  readonly seed: number;
  readonly invariant: string;
  readonly what: string;
}

interface Played {
  readonly sums: Sums;
  readonly failures: readonly Failure[];
}

export interface SweepOptions {
  /** How many threads. */
  readonly jobs: number;
  readonly onFailure: (failure: Failure) => void;
  /** After so many failures no more seeds are begun. */
  readonly most: number;
  /** After so many milliseconds, too. */
  readonly limit: number;
}

/** Seeds that a thread is given at a time. */
const CHUNK = 25;

async function play(seeds: readonly number[]): Promise<Played> {
  const sums = noSums();
  const failures: Failure[] = [];
  for (const seed of seeds) {
    const result = await simulate(seed);
    count(sums, result);
    const [first] = result.broken;
    if (first !== undefined) failures.push({ seed, invariant: first.invariant, what: first.what.split('\n')[0] ?? '' });
  }
  return { sums, failures };
}

/** Plays seeds, on threads of their own if there are to be several. */
export async function sweep(seeds: readonly number[], { jobs, onFailure, most, limit }: SweepOptions): Promise<Sums> {
  const sums = noSums();
  const ends = performance.now() + limit;
  let next = 0;
  let failures = 0;
  const take = () => {
    const chunk = failures < most && performance.now() < ends ? seeds.slice(next, next + CHUNK) : [];
    next += chunk.length;
    return chunk;
  };
  const done = (played: Played) => {
    add(sums, played.sums);
    failures += played.failures.length;
    for (const failure of played.failures) onFailure(failure);
  };
  const inThread = async () => {
    for (let chunk = take(); chunk.length > 0; chunk = take()) done(await play(chunk));
  };
  await Promise.all(jobs <= 1 ? [inThread()] : Array.from({ length: jobs }, () => inWorker(take, done)));
  return sums;
}

function inWorker(take: () => number[], done: (played: Played) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    // This very bundle, which tells by its thread what it is to do.
    const worker = new Worker(new URL(import.meta.url));
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
  parentPort?.on('message', (seeds: number[]) => {
    void play(seeds).then((played) => parentPort?.postMessage(played));
  });
}

/** For a process or thread that does nothing but simulate. */
export function prepare(): void {
  useLightSignals();
  // What lives for one step dies young: half the time for garbage.
  setFlagsFromString('--max-semi-space-size=64');
  setFlagsFromString('--semi-space-growth-factor=4');
  // Errors are made by the million here, and nobody reads where.
  Error.stackTraceLimit = 0;
}
