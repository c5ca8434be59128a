import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../../src/keyset/basics/clock.js';
import { type Files, realFiles } from '../../../src/outside/durable-files.js';
import { createDirectoryStore } from '../../../src/store/directory.js';
import type { Store } from '../../../src/store/store.js';
import type { FaultKind, FaultOperation, StoreUnderTest } from '../../conformance/store.js';
import { thumbprintOf } from '../../support/manifest.js';

export const UID = process.getuid?.() ?? 0;

/** A folder of the test's own, removed afterwards. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'jwtrot-store-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A wall clock that a test may set. */
export function settableClock(): Clock & { set(now: number): void } {
  let offset = 0;
  return {
    now: () => Date.now() + offset,
    monotonic: () => performance.now(),
    sleep: (duration) => new Promise((resolve) => setTimeout(resolve, duration)),
    set: (now) => {
      offset = now - Date.now();
    },
  };
}

export interface Made {
  readonly path: string;
  readonly clock: ReturnType<typeof settableClock>;
  readonly store: Store;
  /** A client of the same store on which some system calls are the test's own. */
  client(files?: Partial<Files>, uid?: number): Store;
}

/** A store that does not exist yet, at `name` in a folder of the test's own. */
export async function makeStore(name = 'store'): Promise<Made> {
  const path = join(await temporaryFolder(), name);
  const clock = settableClock();
  const client = (files: Partial<Files> = {}, uid = UID): Store =>
    createDirectoryStore({ path, clock, uid, thumbprintOf, files: { ...realFiles, ...files } });
  return { path, clock, client, store: client() };
}

/** An error as a system call throws it. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: a fault of the test's`), { code });
}

/** Everything under a folder, relative, sorted. */
export async function everythingIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true });
  return entries.sort();
}

/** The store as the conformance suite wants it. */
export async function makeStoreUnderTest(): Promise<StoreUnderTest> {
  const made = await makeStore();
  const faults = planFaults();
  const newest = async (keyset: string): Promise<string> => {
    const folder = join(made.path, keyset, 'manifest');
    return join(
      folder,
      (await readdir(folder))
        .filter((name) => name.endsWith('.json'))
        .sort()
        .at(-1) ?? 'none',
    );
  };
  const keyPath = (keyset: string, thumbprint: string) => join(made.path, keyset, 'keys', `${thumbprint}.json`);
  return {
    store: made.client(faults.files),
    another: async () => made.client(),
    now: made.clock.now,
    faults,
    damage: {
      manifestText: async (keyset) => readFile(await newest(keyset), 'utf8'),
      replaceManifest: async (keyset, text) => writeFile(await newest(keyset), text),
      keyText: (keyset, thumbprint) => readFile(keyPath(keyset, thumbprint), 'utf8'),
      replaceKey: (keyset, thumbprint, text) => writeFile(keyPath(keyset, thumbprint), text),
    },
  };
}

/** System calls that fail once on demand. A lost reply is what NFS does: the call is sent again and finds its own effect. */
function planFaults() {
  const planned: { kind: FaultKind; operation: FaultOperation }[] = [];
  async function meet<T>(operation: FaultOperation, call: () => Promise<T>): Promise<T> {
    const index = planned.findIndex((one) => one.operation === operation);
    const kind = planned.splice(index, index < 0 ? 0 : 1)[0]?.kind;
    if (kind === 'before') throw systemError('EIO');
    const value = await call();
    if (kind === 'after') throw systemError('EIO');
    return kind === 'lost-reply' ? call() : value;
  }
  const isKey = (path: unknown) => dirname(String(path)).endsWith('/keys');
  const files: Partial<Files> = {
    link: (from, to) => meet(isKey(to) ? 'put' : 'commit', () => realFiles.link(from, to)),
    rename: (from, to) => meet('delete', () => realFiles.rename(from, to)),
    unlink: (path) =>
      isKey(path) && String(path).endsWith('.json')
        ? meet('delete', () => realFiles.unlink(path))
        : realFiles.unlink(path),
  };
  return { files, next: (kind: FaultKind, operation: FaultOperation) => void planned.push({ kind, operation }) };
}
