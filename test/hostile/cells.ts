import { writeFileSync } from 'node:fs';
import { ANSWERS, CONDUCTS, PROGRAMS, ROUTES } from './answers.js';
import { DEADLINE, judge } from './judge.js';
import { PLACES } from './places.js';
import type { Site } from './site.js';
import { THINGS } from './things.js';

/** One thing in one place. */
function deadNames(path: string, store: string): readonly string[] {
  return path.startsWith(`${store}/`) ? [store] : [];
}

export interface Cell {
  readonly name: string;
  readonly table: 'files' | 'answers' | 'programs';
  readonly place: string;
  readonly thing: string;
  /** @returns what is not as it must be */
  readonly attempt: (site: Site) => Promise<string[]>;
}

function retire(site: Site, key: string[], isJson: boolean, dead: readonly string[] = []) {
  const args = ['retire', ...key, '--yes', '--deadline', `${DEADLINE}ms`, ...(isJson ? ['--json'] : [])];
  return site.run(args, dead);
}

/** With `--json` there is one document, whatever happens. */
function oneDocument(stdout: string): string[] {
  try {
    JSON.parse(stdout);
    return [];
  } catch {
    return [`standard output is not one JSON document: ${stdout}`];
  }
}

const files = PLACES.flatMap((place, row) =>
  THINGS.map(
    (thing, column): Omit<Cell, 'name'> => ({
      table: 'files',
      place: place.name,
      thing: thing.name,
      async attempt(site) {
        site.restore();
        const path = place.path(site.paths);
        const after = thing.put(path);
        try {
          const isJson = (row + column) % 3 === 0;
          const key = place.byFile === true ? ['--key', site.paths.leaked] : [`--kid=${site.kid}`];
          const ran = await retire(site, key, isJson, thing.isDead === true ? [path] : []);
          const kind = place.refusedFor === thing.name ? 'ground' : place.kind;
          // Where the store's server is gone, it is the store that does not answer in time.
          const names = [
            ...place.names(site.paths),
            ...(thing.isDead === true ? deadNames(path, site.paths.store) : []),
          ];
          const expected = { ...place, kind, names };
          return [...judge(site, ran, expected), ...(isJson ? oneDocument(ran.stdout) : [])];
        } finally {
          after?.();
        }
      },
    }),
  ),
);

const answers = ROUTES.flatMap(({ name, route, label }) =>
  ANSWERS.map(
    (answer): Omit<Cell, 'name'> => ({
      table: 'answers',
      place: name,
      thing: answer.name,
      async attempt(site) {
        site.restore();
        site.services.hostile = { route, handler: answer.handler };
        const ran = await retire(site, [`--kid=${site.kid}`], false);
        return judge(site, ran, { kind: 'alone', sick: [], names: [label] });
      },
    }),
  ),
);

const programs = PROGRAMS.flatMap(({ name, program, label, sick }) =>
  CONDUCTS.map(
    (conduct): Omit<Cell, 'name'> => ({
      table: 'programs',
      place: name,
      thing: conduct.name,
      async attempt(site) {
        site.restore();
        writeFileSync(site.paths[program], `#!/bin/sh\n${conduct.script}\n`);
        const ran = await retire(site, [`--kid=${site.kid}`], false);
        return judge(site, ran, { kind: 'alone', sick, names: [label], trusted: conduct.lies === true ? sick : [] });
      },
    }),
  ),
);

export const CELLS: readonly Cell[] = [...files, ...answers, ...programs].map((cell) => ({
  ...cell,
  name: `${cell.thing} in the place of ${cell.place}`,
}));
