import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/languages/*.test.ts'],
    globalSetup: ['test/e2e/setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
