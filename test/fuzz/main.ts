import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.js';
import { told } from './told.js';

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, runs: { type: 'string', default: '10000' } },
});
const began = performance.now();
const { runs, taken, slowest, failures } = await fuzz(
  join(process.cwd(), 'test/fuzz/corpus'),
  Number(values.seed),
  Number(values.runs),
);
for (const failure of failures) {
  console.log(told(failure));
  console.log(failure.input.toString('base64'));
}
const seconds = ((performance.now() - began) / 1000).toFixed(1);
console.log(
  `${runs} inputs from seed ${values.seed} in ${seconds} s: ${taken} taken, ${failures.length} failures, the slowest ${slowest.toFixed(0)} ms`,
);
process.exitCode = failures.length === 0 ? 0 : 1;
