import { defineConfig } from 'vitest/config';
import { LongFirst } from './test/long-first.js';

const shared = { testTimeout: 90_000, hookTimeout: 90_000 };
/** What starts no process and changes nothing that others see. */
const PURE = ['keyset', 'rollout', 'config', 'keys', 'wrap', 'cli', 'keyring', 'fuzz'].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);
const SIMULATION = 'test/simulation/*.test.ts';
/** Plays through the rollout with parts of it replaced: each file needs modules of its own. */
const PLANTED = 'test/simulation/planted/*.test.ts';
/** What the product does to its own process, for good (core dumps are off from then on), must not have been done to it. */
const ALONE = 'test/e2e/core-dumps.test.ts';
/** Suites of their own, which need more than Node. */
const OTHERS = ['test/aws/*moto.test.ts', 'test/languages/*.test.ts', 'test/interop/*.test.ts'];
const ELSEWHERE = [...PURE, SIMULATION, PLANTED, ALONE, ...OTHERS, '**/node_modules/**'];

export default defineConfig({
  test: {
    // Most of the tests wait for real processes: more of them than there are cores.
    maxWorkers: 6,
    sequence: { sequencer: LongFirst },
    projects: [
      // Files that share a worker load what they test once, which is half of their time. So no module of theirs, nor of
      // src/, may hold what one file leaves to the next; a hook that a helper registers when it is loaded runs for one file.
      { test: { ...shared, name: 'pure', include: PURE, isolate: false } },
      {
        test: {
          ...shared,
          globalSetup: ['test/e2e/setup.ts'],
          name: 'real',
          include: ['test/**/*.test.ts'],
          exclude: ELSEWHERE,
          isolate: false,
        },
      },
      { test: { ...shared, name: 'alone', globalSetup: ['test/e2e/setup.ts'], include: [ALONE] } },
      { test: { ...shared, name: 'simulation', include: [SIMULATION], isolate: false } },
      { test: { ...shared, name: 'planted', include: [PLANTED] } },
    ],
  },
});
