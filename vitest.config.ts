import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/aws/*moto.test.ts', '**/node_modules/**'],
    globalSetup: ['test/e2e/setup.ts'],
    // Most of the tests wait for real processes: more of them than there are cores.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
