import { performance } from 'node:perf_hooks';
import { HOUR, MINUTE, Stage } from './stage.js';

/** How many rotations one world plays before a new one: more than nearly all random histories see. */
const LIFE = 25;

export interface Rate {
  readonly rotations: number;
  readonly steps: number;
  readonly runs: number;
  readonly commits: number;
  readonly seconds: number;
}

/**
 * Rotations per second. One rotation is the whole life of a key where nothing goes wrong and `rotate` runs twice a day.
 * The key is made, wrapped, stored, published and read back. Two verifiers are reloaded and polled. After
 * `publishAhead` come the gate and the switch; the key is delivered, and the signer reloaded and polled. The former key
 * expires, is dropped, deleted and destroyed. All invariants are checked and all tokens presented, as in every history.
 */
export async function rate(rotations: number): Promise<Rate> {
  const started = performance.now();
  const sum = { rotations: 0, steps: 0, runs: 0, commits: 0 };
  for (let seed = 1; sum.rotations < rotations; seed += 1) {
    const { world, operators } = new Stage({}, seed, false);
    await operators.run();
    while (world.counters.rotations < LIFE && world.violations.length === 0) {
      await operators.pass(24 * HOUR - 11 * MINUTE);
      await operators.run();
      await operators.pass(11 * MINUTE);
      await operators.run();
    }
    const broken = world.violations[0];
    if (broken !== undefined) throw new Error(broken.what);
    sum.rotations += world.counters.rotations;
    sum.steps += world.scheduler.steps;
    sum.runs += world.counters.runs;
    sum.commits += world.store.manifest?.revision ?? 0;
  }
  return { ...sum, seconds: (performance.now() - started) / 1_000 };
}
