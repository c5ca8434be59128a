import { document, forgetFigures, rows, table } from './figures.js';

/** Prints what was measured when all is over. `JWTROT_FIGURES=docs` puts it into docs/gateways.md. */
export default function setup(): () => void {
  forgetFigures();
  return () => {
    const measured = rows();
    if (measured.length === 0) return;
    process.stdout.write(`\n${table(measured)}\n`);
    if (process.env['JWTROT_FIGURES'] === 'docs') document(measured);
  };
}
