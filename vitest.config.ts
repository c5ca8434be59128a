import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/aws/*moto.test.ts', '**/node_modules/**'],
    globalSetup: ['test/e2e/setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
