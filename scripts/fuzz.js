// Bundles the fuzzer with the shipped sources and runs it: `npm run fuzz -- --seed 1 --runs 100000`. It prints each
// failure with the seed that makes the same input again, and with the input in base64.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundleMain } from './bundle-main.js';

const folder = mkdtempSync(join(tmpdir(), 'jwtrot-fuzz-build-'));
const outfile = join(folder, 'main.mjs');
try {
  await bundleMain('test/fuzz', outfile);
  await import(pathToFileURL(outfile).href);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
