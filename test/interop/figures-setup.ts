import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { forgetFigures, table } from './figures.js';

/** Prints what was measured when all is over, and leaves it as a file. */
export default function setup(): () => void {
  forgetFigures();
  return () => {
    const text = table();
    if (!text.includes(' s |')) return;
    writeFileSync(fileURLToPath(new URL('../../node_modules/.cache/jwtrot/interop.txt', import.meta.url)), text);
    process.stdout.write(`\n${text}\n`);
  };
}
