import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/interop/*.test.ts'],
    globalSetup: ['test/e2e/setup.ts', 'test/interop/figures-setup.ts'],
    // Most of a party's time is waiting.
    maxWorkers: 3,
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
});
