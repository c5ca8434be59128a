// Bundles the simulation with the very sources that are shipped, and runs it. `npm run simulate -- --seed N` replays one
// seed and prints all that happens in it. `--seeds 20000 --from 1` plays that many over all themes in turn (see
// test/simulation/themes.ts), `--theme 3` those of one, `--list 7,8` just these. `--jobs 2`: on so many threads instead
// of as many as there are cores. `--seconds 600`: begins no more after that. `--keep-going`: past the twentieth failure.
// `--rate 10000`: plain rotations a second on one core.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(join(tmpdir(), 'jwtrot-simulate-'));
const outfile = join(folder, 'main.mjs');
try {
  await build({
    absWorkingDir: root,
    entryPoints: ['test/simulation/main.ts'],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    sourcemap: 'inline',
    logLevel: 'warning',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  });
  await import(pathToFileURL(outfile).href);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
