import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CELLS, type Cell } from './cells.js';
import { Site } from './site.js';

/** `all`, or a pattern for their names; else a sample in which each thing and each place is. */
const ASKED = process.env['JWTROT_HOSTILE'] ?? '';
const SITES = Number(process.env['JWTROT_HOSTILE_SITES'] ?? (ASKED === 'all' ? 4 : 2));

let sites: Site[];
beforeAll(async () => {
  sites = await Promise.all(Array.from({ length: SITES }, () => Site.open()));
}, 120_000);
afterAll(() => Promise.all(sites.map((site) => site.close())));

function chosen(): readonly Cell[] {
  if (ASKED === 'all') return CELLS;
  if (ASKED !== '') return CELLS.filter(({ name }) => new RegExp(ASKED).test(name));
  return CELLS.filter((_, i) => i % 11 === 0);
}

describe('jwtrot retire', () => {
  it('unpublishes the key, whatever lies in the way', { timeout: 3_600_000 }, async () => {
    const cells = chosen();
    const queue = [...cells];
    const problems: Record<string, readonly string[]> = {};
    const work = async (site: Site) => {
      for (let cell = queue.shift(); cell !== undefined; cell = queue.shift()) {
        const found = await cell.attempt(site);
        if (found.length > 0) problems[cell.name] = found;
      }
    };
    await Promise.all(sites.map(work));
    console.log(print(cells, problems));
    expect(problems).toEqual({});
  });
});

/** Things x places; what was not tried is a dot. */
function print(tried: readonly Cell[], problems: Record<string, unknown>): string {
  return (['files', 'answers', 'programs'] as const)
    .map((table) => {
      const cells = CELLS.filter((cell) => cell.table === table);
      const things = [...new Set(cells.map(({ thing }) => thing))];
      const rows = [...new Set(cells.map(({ place }) => place))].map((place) => [
        place,
        ...things.map((thing) => {
          const cell = cells.find((one) => one.place === place && one.thing === thing);
          if (cell === undefined || !tried.includes(cell)) return '.';
          return problems[cell.name] === undefined ? 'ok' : 'BROKEN';
        }),
      ]);
      const columns = [[table, ...things], ...rows];
      const widths = things.concat('').map((_, i) => Math.max(...columns.map((row) => row[i]?.length ?? 0)));
      return columns
        .map((row) =>
          row
            .map((text, i) => text.padEnd(widths[i] ?? 0))
            .join('  ')
            .trimEnd(),
        )
        .join('\n');
    })
    .join('\n\n');
}
