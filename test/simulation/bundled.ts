import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { bundleMain } from '../../scripts/bundle-main.js';
import { runScript } from '../support/run-script.js';

/** For a test file: what `npm run simulate` bundles and starts, bundled once for all that the file starts. */
export function simulationOnce(): (args: readonly string[]) => ReturnType<typeof runScript> {
  let folder = '';
  const bundle = () => join(folder, 'main.mjs');
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'jwtrot-simulate-'));
    await bundleMain('test/simulation', bundle());
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (args) => runScript(bundle(), args);
}
