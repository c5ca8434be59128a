import { defineConfig } from 'vitest/config';

const shared = { testTimeout: 30_000, hookTimeout: 60_000 };
/** What starts no process and changes nothing that others see: files share a worker, which halves their time. */
const PURE = ['keyset', 'rollout', 'config', 'keys', 'wrap', 'cli'].map((folder) => `test/${folder}/**/*.test.ts`);

export default defineConfig({
  test: {
    // Most of the tests wait for real processes: more of them than there are cores.
    maxWorkers: 4,
    projects: [
      { test: { ...shared, name: 'pure', include: PURE, isolate: false } },
      {
        test: {
          ...shared,
          name: 'real',
          globalSetup: ['test/e2e/setup.ts'],
          include: ['test/**/*.test.ts'],
          exclude: [...PURE, 'test/aws/*moto.test.ts', '**/node_modules/**'],
        },
      },
    ],
  },
});
