import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BIOME = join(ROOT, 'node_modules/@biomejs/biome/bin/biome');

const forbidden: [string, string][] = [
  ['src/keyset/a.ts', '../store/store.js'],
  ['src/keyset/a.ts', 'node:fs'],
  ['src/keys/a.ts', '../store/store.js'],
  ['src/outside/a.ts', '../services/service.js'],
  ['src/store/a.ts', '../wrap/wrapper.js'],
  ['src/store/secrets-manager/a.ts', '../../rollout/run.js'],
  ['src/services/reload/a.ts', '../../outlets/outlet.js'],
  ['src/outlets/a.ts', '../cli/open.js'],
  ['src/wrap/a.ts', '../config/load.js'],
  ['src/rollout/steps/a.ts', '../../cli/open.js'],
  ['src/config/a.ts', '../rollout/run.js'],
];
const allowed: [string, string][] = [
  ['src/keyset/a.ts', './states.js'],
  ['src/keyset/a.ts', 'valibot'],
  ['src/keys/a.ts', '../keyset/model.js'],
  ['src/store/directory/a.ts', '../../keyset/model.js'],
  ['src/outlets/a.ts', '../outside/command.js'],
  ['src/rollout/steps/a.ts', '../../services/service.js'],
  ['src/cli/commands/a.ts', '../../rollout/rotate.js'],
  ['src/config/a.ts', '../services/service.js'],
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

/** The rules that the linter says a file breaks. */
function broken(own: string): string[] {
  return [...found.matchAll(new RegExp(`^${own}:\\d+:\\d+ (lint/\\S+)`, 'gm'))].map((match) => match[1] ?? '');
}

beforeAll(() => {
  copyFileSync(join(ROOT, 'biome.json'), join(folder, 'biome.json'));
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
