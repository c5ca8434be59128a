// npm run bench [SECTION …]: measures what jwtrot costs, and in the same run what it is compared with. Linux only
// (proc(5)). Exits with 1 when a figure is missed.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { fleet } from './fleet.js';
import { keyring } from './keyring.js';
import { lag } from './lag.js';
import { load } from './load.js';
import { rotation } from './rotation-moto.js';
import { status } from './status.js';
import { waiting } from './waiting.js';

const SECTIONS = { status, rotation, lag, waiting, fleet, load, keyring };

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !(name in SECTIONS));
if (unknown !== undefined) {
  console.error(`bench: there is no section ${unknown}\nhint: npm run bench -- ${Object.keys(SECTIONS).join(' | ')}`);
  process.exit(2);
}
// Measure the present sources.
execFileSync(process.execPath, [fileURLToPath(new URL('../scripts/build.js', import.meta.url))], { stdio: 'inherit' });

let missed = false;
for (const [name, measure] of Object.entries(SECTIONS)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const { figures, skipped } = await measure();
  if (skipped !== undefined) console.log(`skipped            ${skipped}`);
  for (const figure of figures) {
    const reached = figure.value <= figure.limit;
    missed ||= !reached;
    console.log(line(figure, reached));
  }
}
process.exitCode = missed ? 1 : 0;

function line({ name, value, limit, unit, detail }, reached) {
  const digits = ['ms', 'MiB', ''].includes(unit) ? 0 : 2;
  const measured = `${value.toFixed(digits)} ${unit}`.padStart(9);
  return `${name.padEnd(18)} ${measured}  ${reached ? 'reached' : 'NOT REACHED'} (<= ${`${limit} ${unit}`.trim()})  ${detail}`;
}
