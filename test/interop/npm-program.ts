import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../e2e/world.js';
import { type Changes, changed } from '../languages/programs.js';
import type { Place } from './party.js';
import { Process } from './process.js';
import { example } from './web.js';

const FOLDER = fileURLToPath(new URL('npm', import.meta.url));

/** A program of examples, with the packages that the lock file of test/interop/npm names. */
export async function openProgram({ world }: Place, name: string, changes: Changes): Promise<Process> {
  const port = await freePort();
  const folder = world.folderFor('program');
  symlinkSync(`${FOLDER}/node_modules`, `${folder}/node_modules`);
  const program = `${folder}/${basename(name)}`;
  writeFileSync(program, changed(example(name), [['3000', `${port}`], ...changes]));
  return new Process({ command: [process.execPath, program], folder, port });
}

/** `express 5.3.0, jwks-rsa 4.1.0`, as installed. */
export function versionsOf(...packages: readonly string[]): string {
  const version = (name: string) =>
    JSON.parse(readFileSync(`${FOLDER}/node_modules/${name}/package.json`, 'utf8')).version;
  return packages.map((name) => `${name} ${version(name)}`).join(', ');
}
