import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Configuration } from '../../src/config/configuration.js';
import { loadConfiguration } from '../../src/config/load.js';
import { JwtrotError } from '../../src/keyset/basics/error.js';

/** A directory of the test's own; removed after it. */
export async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'jwtrot-config-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export async function write(path: string, text: string | Uint8Array, mode = 0o600): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

export const UID = process.getuid?.() ?? 0;
const ALONE = { env: {}, uid: UID, home: '/home/nobody', systemConfig: '/nonexistent/jwtrot.yaml' };

/** What `text` comes to as a configuration. */
export async function load(text: string, surroundings: Partial<typeof ALONE> = {}): Promise<Configuration> {
  const path = await write(join(await newDirectory(), 'jwtrot.yaml'), text);
  return loadConfiguration({ ...ALONE, ...surroundings, path });
}

export async function failure(promise: Promise<unknown>): Promise<JwtrotError> {
  const error = await promise.then(
    () => new Error('it was taken'),
    (reason: unknown) => reason,
  );
  if (error instanceof JwtrotError) return error;
  throw error;
}

/** What is said about `text`, line by line, `FILE` for the file's path; the first line is left out. */
export async function problems(text: string): Promise<string[]> {
  const error = await failure(load(text));
  const [first = '', ...lines] = error.message.split('\n');
  const path = /^configuration (\S+) has (\d+) errors?; nothing was touched$/.exec(first);
  if (error.code !== 'bad-config' || path === null) throw error;
  return lines.map((line) => line.replace(path[1] ?? '', 'FILE'));
}

/** Of a file with one keyset `api`, whose lines these are; the first of them is line 3, each from column 5. */
export async function keysetProblems(...lines: string[]): Promise<string[]> {
  return problems(['keysets:', '  api:', ...lines.map((line) => `    ${line}`), ''].join('\n'));
}
