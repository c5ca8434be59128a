import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const BENCH = fileURLToPath(new URL('../../bench/keyring.js', import.meta.url));

interface Measured {
  readonly rs256: { readonly sign: number; readonly verify: number };
  readonly es256: { readonly sign: number; readonly verify: number };
  readonly reload: { readonly active: number };
  readonly flood: { readonly fetches: number; readonly coolDowns: number; readonly perSecond: number };
  readonly importing: { readonly mib: number };
}

async function measure<T>(...args: string[]): Promise<T> {
  const { stdout } = await promisify(execFile)(process.execPath, [BENCH, ...args]);
  return JSON.parse(stdout) as T;
}

it('asks once per cool-down, and takes little memory to import', async () => {
  const { flood, importing } = await measure<Pick<Measured, 'flood' | 'importing'>>('counts');
  expect(flood.perSecond).toBeGreaterThan(1_000);
  expect(flood.fetches).toBeLessThanOrEqual(flood.coolDowns);
  expect(importing.mib).toBeLessThan(12);
});

// Times mean nothing beside five other workers: `npm run test:load` has the machine for itself.
if (process.env['JWTROT_LOAD'] !== undefined) {
  /** Ratios of one run. `npm run bench -- keyring` holds the figure itself, 1.05. */
  it('costs little beside jose, and keeps no request waiting while it reloads', { retry: 2 }, async () => {
    const { rs256, es256, reload } = await measure<Measured>();
    for (const ratio of [rs256.sign, rs256.verify, es256.sign, es256.verify]) expect(ratio).toBeLessThan(1.15);
    expect(reload.active).toBeLessThan(5);
  });
}
