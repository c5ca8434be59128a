import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JwtrotError } from '../../src/keyset/basics/error.js';
import { Lcg } from '../keyset/lcg.js';
import { mutateBytes, mutateJson } from './mutate.js';
import { type Target, targetsIn } from './targets.js';

export interface Failure {
  /** `npm run fuzz -- --seed SEED --runs 1` makes this very input again. */
  readonly seed: number;
  readonly target: string;
  readonly error: unknown;
  readonly input: Buffer;
}

export interface Fuzzed {
  readonly runs: number;
  /** Inputs that were taken. */
  readonly taken: number;
  /** Milliseconds. */
  readonly slowest: number;
  readonly failures: readonly Failure[];
}

/** Milliseconds that one input may take, on a machine that is busy. */
const LONGEST = 5_000;

/**
 * Reads inputs that are made from the corpus, one from each seed from `first` on.
 * @param corpus the folder
 * @param planted in the place of all that reads from outside: to see that a fault is found
 */
export async function fuzz(corpus: string, first: number, runs: number, planted?: Target): Promise<Fuzzed> {
  const folder = mkdtempSync(join(tmpdir(), 'jwtrot-fuzz-'));
  try {
    const targets = planted === undefined ? targetsIn(folder) : [planted];
    const files = new Map<string, Buffer>();
    for (const name of targets.flatMap((one) => one.corpus)) files.set(name, readFileSync(join(corpus, name)));
    const failures: Failure[] = [];
    let taken = 0;
    let slowest = 0;
    for (let seed = first; seed < first + runs && failures.length < 10; seed += 1) {
      const { target, input } = makeInput(targets, files, new Lcg(seed));
      const began = performance.now();
      const error = await failureOf(target, input);
      const took = performance.now() - began;
      slowest = Math.max(slowest, took);
      if (error === 'taken') taken += 1;
      else if (error !== 'refused') failures.push({ seed, target: target.name, error, input });
      else if (took > LONGEST) failures.push({ seed, target: target.name, error: new Error(`${took} ms`), input });
    }
    return { runs, taken, slowest, failures };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function failureOf(target: Target, input: Buffer): Promise<unknown> {
  try {
    await target.read(input);
    return 'taken';
  } catch (error) {
    return error instanceof JwtrotError ? 'refused' : error;
  }
}

function makeInput(targets: readonly Target[], files: ReadonlyMap<string, Buffer>, random: Lcg) {
  const target = weighted(targets, random);
  const name = random.pick(target.corpus);
  const original = files.get(name) ?? Buffer.alloc(0);
  const other = files.get(random.pick([...files.keys()])) ?? original;
  // JSON is YAML as well; what is not JSON is changed as bytes.
  const isJson = /\.(json|jwk)$/.test(name) && random.chance(0.75);
  let input = isJson ? Buffer.from(mutateJson(original.toString(), random)) : mutateBytes(original, other, random);
  if (random.chance(0.1)) input = mutateBytes(input, other, random);
  return { target, input };
}

function weighted(targets: readonly Target[], random: Lcg): Target {
  let left = random.next() * targets.reduce((sum, { weight }) => sum + weight, 0);
  for (const target of targets) {
    left -= target.weight;
    if (left < 0) return target;
  }
  throw new Error('no targets');
}
