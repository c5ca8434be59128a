import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BIOME = join(ROOT, 'node_modules/@biomejs/biome/bin/biome');

const forbidden: [string, string][] = [
  ['src/keyset/planning/a.ts', '../../store/store.js'],
  ['src/keyset/basics/a.ts', 'node:fs'],
  ['src/keys/a.ts', '../store/store.js'],
  ['src/outside/a.ts', '../services/service.js'],
  ['src/store/a.ts', '../wrap/wrapper.js'],
  ['src/store/secrets-manager/a.ts', '../../rollout/run.js'],
  ['src/services/reload/a.ts', '../../outlets/outlet.js'],
  ['src/records/a.ts', '../store/directory/keys.js'],
  ['src/records/a.ts', '../rollout/run.js'],
  ['src/outlets/a.ts', '../cli/open.js'],
  ['src/wrap/a.ts', '../config/load.js'],
  ['src/rollout/steps/a.ts', '../../cli/open.js'],
  ['src/config/a.ts', '../rollout/run.js'],
  ['src/config/a.ts', '../setup/facts.js'],
  ['src/rollout/steps/a.ts', '../../setup/units.js'],
  ['src/outlets/a.ts', '../setup/way.js'],
  ['src/setup/a.ts', '../cli/open.js'],
  ['src/keyring/sources/a.ts', '../../cli/open.js'],
  ['src/keyring/a.ts', '../setup/facts.js'],
  ['src/cli/a.ts', '../keyring/open.js'],
  ['src/config/a.ts', '../keyring/open.js'],
  ['src/store/a.ts', '../keyring/open.js'],
];
const allowed: [string, string][] = [
  ['src/keyset/manifest/a.ts', './states.js'],
  ['src/keyset/manifest/a.ts', 'valibot'],
  ['src/keys/a.ts', '../keyset/manifest/model.js'],
  ['src/store/directory/a.ts', '../../keyset/manifest/model.js'],
  ['src/outlets/a.ts', '../outside/command.js'],
  ['src/records/a.ts', '../outside/durable-files.js'],
  ['src/records/a.ts', '../keyset/history/record.js'],
  ['src/rollout/steps/a.ts', '../../services/service.js'],
  ['src/cli/commands/a.ts', '../../rollout/rotate.js'],
  ['src/config/a.ts', '../services/service.js'],
  ['src/setup/a.ts', '../config/load.js'],
  ['src/setup/a.ts', '../rollout/limit.js'],
  ['src/cli/commands/a.ts', '../../setup/prepare.js'],
  ['src/keyring/sources/a.ts', '../../config/load.js'],
];

/** Ways to read a file, to decode JSON or to print, past the one place for each. */
const unguarded: [string, string][] = [
  ['src/outlets/a.ts', "import { readFile } from 'node:fs/promises';\n\nexport const x = readFile;\n"],
  [
    'src/cli/a.ts',
    "import { type Stats, readFileSync } from 'node:fs';\n\nexport const x = (s: Stats) => [s, readFileSync];\n",
  ],
  ['src/services/a.ts', "import { createReadStream } from 'node:fs';\n\nexport const x = createReadStream;\n"],
  [
    'src/store/a.ts',
    "import {\n  constants,\n  open,\n} from 'node:fs/promises';\n\nexport const x = [constants, open];\n",
  ],
  ['src/wrap/a.ts', "import * as fs from 'node:fs';\n\nexport const x = fs;\n"],
  ['src/rollout/a.ts', "import fs from 'node:fs';\n\nexport const x = fs;\n"],
  ['src/config/a.ts', "import { promises } from 'node:fs';\n\nexport const x = promises;\n"],
  ['src/outside/a.ts', "export const x = await import('node:fs/promises');\n"],
  ['src/keys/a.ts', "export const x = JSON.parse('1');\n"],
  ['src/keyset/basics/a.ts', 'export const x = JSON.parse;\n'],
  ['src/cli/a.ts', "export const x = () => process.stdout.write('kid');\n"],
  ['src/cli/output/a.ts', "export const x = (e: { stderr: { write(t: string): void } }) => e.stderr.write('kid');\n"],
];
const guarded: [string, string][] = [
  [
    'src/outlets/a.ts',
    "import { lstat, readdir, rename } from 'node:fs/promises';\n\nexport const x = [lstat, readdir, rename];\n",
  ],
  ['src/cli/a.ts', "import { open } from './open.js';\n\nexport const x = open;\n"],
  ['src/outside/read-file.ts', "import * as fs from 'node:fs/promises';\n\nexport const x = fs;\n"],
  ['src/keyset/basics/foreign-json.ts', "export const x = JSON.parse('1');\n"],
];

const PRINTS = 'src/store/prints.ts';
const folder = mkdtempSync(join(tmpdir(), 'jwtrot-lint-'));
let found = '';

/** A file that holds one import, of its own name; the project's linter settings lie beside it. */
function place(path: string, i: number, text: string): string {
  const own = path.replace('/a.ts', `/case${i}.ts`);
  mkdirSync(dirname(join(folder, own)), { recursive: true });
  writeFileSync(join(folder, own), text);
  return own;
}

const cases = [...forbidden, ...allowed].map(([path, from], i) => {
  return { path, from, own: place(path, i, `import { x } from '${from}';\n\nexport const y = x;\n`) };
});

const reading = [...unguarded, ...guarded].map(([path, text], i) => ({
  own: place(path, cases.length + i, text),
  text,
}));

/** The rules that the linter says a file breaks. */
function broken(own: string): string[] {
  return [...found.matchAll(new RegExp(`^${own}:\\d+:\\d+ (lint/\\S+|plugin)`, 'gm'))].map((match) => match[1] ?? '');
}

beforeAll(() => {
  copyFileSync(join(ROOT, 'biome.json'), join(folder, 'biome.json'));
  cpSync(join(ROOT, 'lint'), join(folder, 'lint'), { recursive: true });
  place(PRINTS, 0, 'export function f() {\n  console.log(process.env["HOME"]);\n}\n');
  const { stdout, stderr } = spawnSync(process.execPath, [BIOME, 'lint', '--max-diagnostics=200', '.'], {
    cwd: folder,
  });
  found = `${stdout}${stderr}`;
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('imports point one way', () => {
  for (const { path, from, own } of cases.slice(0, forbidden.length)) {
    it(`${path} may not import ${from}`, () => {
      expect(broken(own)).toContain('lint/style/noRestrictedImports');
    });
  }
  for (const { path, from, own } of cases.slice(forbidden.length)) {
    it(`${path} may import ${from}`, () => {
      expect(broken(own)).toEqual([]);
    });
  }
  it('nothing below the command reads the environment or prints', () => {
    expect(broken(PRINTS)).toEqual(expect.arrayContaining(['lint/suspicious/noConsole', 'lint/style/noProcessEnv']));
  });
});

describe('files are read, foreign JSON is decoded and text is printed in one place', () => {
  for (const { own, text } of reading.slice(0, unguarded.length)) {
    it(`not by: ${text.split('\n\n')[0]}`, () => expect(broken(own)).toEqual(['plugin']));
  }
  for (const { own, text } of reading.slice(unguarded.length)) {
    it(`${own} may have: ${text.split('\n\n')[0]}`, () => expect(broken(own)).toEqual([]));
  }
});

/** Of `src/keyset`, from the ground up. */
const ROOMS = [
  'basics',
  'manifest',
  'questions',
  'published',
  'transitions',
  'history',
  'planning',
  'recovery',
] as const;

describe('the rooms of the keyset', () => {
  const inside = join(ROOT, 'src/keyset');
  const files = readdirSync(inside, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));

  it('are all there is', () => {
    expect([...new Set(files.map((path) => path.split('/')[0]))].sort()).toEqual([...ROOMS].sort());
  });

  it('import from the rooms below alone', () => {
    const floor = (path: string) => ROOMS.findIndex((room) => path.startsWith(`${room}/`));
    const upward = files.flatMap((path) => {
      const imported = readFileSync(join(inside, path), 'utf8').matchAll(/ from '(\.[^']+)\.js'/g);
      const targets = [...imported].map(([, specifier = '']) => normalize(join(dirname(path), specifier)));
      return targets.filter((target) => floor(target) > floor(path)).map((target) => `${path} -> ${target}`);
    });
    expect(upward).toEqual([]);
  });
});

/** A file's way back to itself, over its imports and theirs; null: there is none. Types count: they tie files together, too. */
function circleFrom(start: string, imports: ReadonlyMap<string, readonly string[]>): string[] | null {
  const cameFrom = new Map<string, string | null>([[start, null]]);
  for (const queue = [start]; queue.length > 0; ) {
    const file = queue.pop() ?? '';
    for (const next of imports.get(file) ?? []) {
      if (next === start) {
        const way: string[] = [];
        for (let at: string | null | undefined = file; at != null; at = cameFrom.get(at)) way.unshift(at);
        return [...way, start];
      }
      if (!cameFrom.has(next)) {
        cameFrom.set(next, file);
        queue.push(next);
      }
    }
  }
  return null;
}

describe('no files import each other in a circle', () => {
  it('not even types', () => {
    const inside = join(ROOT, 'src');
    const files = readdirSync(inside, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
    const imports = new Map(
      files.map((path) => {
        const found = readFileSync(join(inside, path), 'utf8').matchAll(/(?:from|import) '(\.[^']+)\.js'/g);
        return [path, [...found].map(([, to = '']) => `${normalize(join(dirname(path), to))}.ts`)] as const;
      }),
    );
    expect([...imports.values()].flat().length).toBeGreaterThan(1_000);
    expect(files.map((file) => circleFrom(file, imports)).filter((circle) => circle !== null)).toEqual([]);
  });
});
