import { performance } from 'node:perf_hooks';
import { HOUR, MINUTE, Stage } from './stage.js';

/** Plain rotations of a small world, whole lives of keys, as a measure: how many a second on one core. */
export async function rate(rotations: number): Promise<{ readonly done: number; readonly seconds: number }> {
  const stage = new Stage({}, 1, false);
  const { operators, world } = stage;
  await stage.begin();
  const started = performance.now();
  const before = world.counters.rotations;
  while (world.counters.rotations - before < rotations && world.violations.length === 0) {
    await operators.pass(24 * HOUR - 11 * MINUTE);
    await operators.run();
    await operators.pass(11 * MINUTE);
    await operators.run();
  }
  if (world.violations.length > 0) throw new Error(world.violations[0]?.what);
  return { done: world.counters.rotations - before, seconds: (performance.now() - started) / 1_000 };
}
