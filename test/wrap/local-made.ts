import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createLocalWrapper } from '../../src/wrap/local.js';
import type { Wrapper } from '../../src/wrap/wrapper.js';

export const UID = process.getuid?.() ?? 0;

/** A folder of the test's own, removed afterwards. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'jwtrot-wrap-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface MadeLocal {
  /** Of the KEK, which does not exist yet, nor does its folder. */
  readonly path: string;
  readonly wrapper: Wrapper;
  client(mayCreate?: boolean, uid?: number): Wrapper;
}

export async function makeLocal(): Promise<MadeLocal> {
  const path = join(await temporaryFolder(), 'etc', 'jwtrot', 'kek');
  const client = (mayCreate = true, uid = UID): Wrapper =>
    createLocalWrapper({ kek: { file: path }, mayCreateKek: async () => mayCreate, uid });
  return { path, client, wrapper: client() };
}
