import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/systemd/systemd.scenario.ts'],
    // One machine, one story: what follows stands on what was before.
    bail: 1,
    testTimeout: 180_000,
    // The tree is made once, on a machine that may be busy.
    hookTimeout: 1_200_000,
    disableConsoleIntercept: true,
  },
});
