import { defineConfig } from 'vitest/config';

export default defineConfig({ test: { include: ['test/aws/moto.test.ts'], testTimeout: 120_000 } });
