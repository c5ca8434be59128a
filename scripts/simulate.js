// Bundles the simulation with the shipped sources and runs it (test/simulation/README.md).
//
// npm run simulate -- --seed N             plays one seed and prints all that happens in it
//   --shrink                               finds the fewest events that break it the same way, and prints how to play them
//   --only 3,3.kill,7 --without web        plays only these events, in a world without these parts
// npm run simulate -- --seeds N --from M   plays N seeds over all themes in turn; `--theme T`: one theme; `--list 7,8`: these
//   --shrink                               prints each failure in its shrunk form
//   --seconds S                            begins no seed after S seconds; `--keep-going`: past the twentieth failure
// npm run simulate -- --hours H            plays fresh seeds (`--from M`) for H hours or until Ctrl-C, shrinks each failure
// npm run simulate -- --rate N             measures plain rotations a second on one core
// All: `--off KINDS`, `--on KINDS` (with commas, or `all`) override what a seed is played without; `--jobs J` threads.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundleMain } from './bundle-main.js';

const folder = mkdtempSync(join(tmpdir(), 'jwtrot-simulate-'));
const outfile = join(folder, 'main.mjs');
try {
  await bundleMain('test/simulation', outfile);
  await import(pathToFileURL(outfile).href);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
