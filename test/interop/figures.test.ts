import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { documented } from './figures.js';
import type { PartyKind } from './party.js';

const FOLDER = fileURLToPath(new URL('parties', import.meta.url));

const isKind = (value: unknown): value is PartyKind =>
  typeof value === 'object' && value !== null && 'role' in value && 'version' in value;

it('docs/gateways.md has the figures of each party, in its version', async () => {
  const modules = readdirSync(FOLDER).filter((name) => name.endsWith('.ts'));
  const paths = modules.map((name) => join(FOLDER, name));
  const exported = await Promise.all(paths.map((path) => import(path)));
  const kinds = exported.flatMap((module) => Object.values<unknown>(module)).filter(isKind);
  expect(kinds.length).toBeGreaterThanOrEqual(modules.length);
  const lines = documented();
  const startOf = (line: string) => line.split(' | ').slice(0, 2).join(' | ');
  expect(lines.map(startOf).sort()).toEqual(kinds.map((kind) => `| ${kind.name} | ${kind.version()}`).sort());
  for (const line of lines) expect(line).toMatch(/^\| [^|]+ \| [^|]+ \| \d+\.\d \| \d+\.\d \| 0 \| 0 \|$/);
});
