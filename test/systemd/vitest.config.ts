import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/systemd/systemd.scenario.ts'],
    // One machine, one story: what follows stands on what was before.
    bail: 1,
    testTimeout: 180_000,
    hookTimeout: 600_000,
    disableConsoleIntercept: true,
  },
});
