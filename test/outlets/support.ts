import { randomUUID } from 'node:crypto';
import { accessSync, constants, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/keyset/basics/clock.js';
import { JwtrotError } from '../../src/keyset/basics/error.js';
import type { KeysetRecord } from '../../src/keyset/history/record.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { type OutletContent, outletContent } from '../../src/keyset/published/jwk-set.js';
import type { DeliverFile, PublishOutlet } from '../../src/outlets/configured.js';
import type { OutletPort, WriteResult, Written } from '../../src/outlets/outlet.js';
import { createOutletPort, type OutletPortOptions } from '../../src/outlets/port.js';
import type { Records } from '../../src/records/records.js';
import { firstManifest, keyOf, type TestPair } from '../support/manifest.js';

export const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (duration, signal) => {
    await sleep(duration, undefined, signal === undefined ? {} : { signal });
  },
};

export const LINEAGE = 'one';

/** A directory that is on no tmpfs, as /tmp is on some systems. */
export function diskFolder(): string {
  const disk = [tmpdir(), '/var/tmp', process.cwd()].find((path) => statfsSync(path).type !== 0x01021994);
  if (disk === undefined) throw new Error('these tests need a directory on a disk; mount one on /var/tmp');
  return folderIn(disk);
}

/** A directory on a tmpfs: delivering can't be tested without one. */
export function memoryFolder(): string {
  try {
    accessSync('/dev/shm', constants.W_OK);
  } catch {
    throw new Error('/dev/shm is not there or not writable: these tests need a tmpfs; mount -t tmpfs tmpfs /dev/shm');
  }
  return folderIn('/dev/shm');
}

function folderIn(parent: string): string {
  const folder = mkdtempSync(join(parent, 'jwtrot-outlets-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function toFile(path: string, changes: Partial<Extract<PublishOutlet, { type: 'file' }>> = {}): PublishOutlet {
  return { type: 'file', path, format: 'jwks', mode: 0o644, allowShared: false, url: null, ...changes };
}

export function toSecret(path: string, changes: Partial<DeliverFile> = {}): DeliverFile {
  return { type: 'file', path, format: 'pem', mode: 0o600, owner: null, group: null, allowDisk: false, ...changes };
}

export function portOf(options: Partial<OutletPortOptions>): OutletPort {
  return createOutletPort({
    keyset: 'api',
    publish: [],
    deliver: [],
    stateDirectory: '/nonexistent/jwtrot',
    env: {},
    records: recordsInMemory(),
    clock,
    newId: randomUUID,
    ...options,
  });
}

/** What outlets must hold when the first of `pairs` is active and the others are published too. */
export function contentOf(
  revision: number,
  pairs: readonly TestPair[],
  changes: Partial<Manifest> = {},
): OutletContent {
  const keys = pairs.map((pair, i) => keyOf(pair, { version: i + 1, state: i === 0 ? 'active' : 'pending' }));
  return outletContent(firstManifest('api', { revision, lineage: LINEAGE, keys, ...changes }));
}

/** What a host remembers, for as long as the test runs. */
export function recordsInMemory(record: KeysetRecord | null = null): Records {
  let remembered = record;
  return {
    read: async () => remembered,
    update: async (change) => {
      remembered = change(remembered) ?? remembered;
    },
  };
}

/** A host that has seen that revision of the history that `contentOf` is of. */
export function remembering(revision: number): KeysetRecord {
  return { keyset: 'api', lineage: LINEAGE, revision, commit: 'c', retired: [], outlets: [] };
}

export const noKey = async (): Promise<never> => {
  throw new Error('the private key was asked for');
};

/** The private key of `pair`, and the buffers that were handed out. */
export function keyFrom(pair: TestPair): { ask: () => Promise<Uint8Array>; handedOut: Uint8Array[] } {
  const handedOut: Uint8Array[] = [];
  const ask = async () => {
    const copy = new Uint8Array(pair.privateKey);
    handedOut.push(copy);
    return copy;
  };
  return { ask, handedOut };
}

export interface WriteOptions {
  readonly privateKey?: () => Promise<Uint8Array>;
  readonly otherHistory?: boolean;
  readonly again?: boolean;
  readonly signal?: AbortSignal;
}

/** Where every outlet must have been written. @throws JwtrotError the first problem */
export async function write(port: OutletPort, content: OutletContent, options: WriteOptions = {}): Promise<Written> {
  const { problems, ...written } = await tryToWrite(port, content, options);
  const [first] = problems;
  if (first === undefined) return written;
  throw new JwtrotError(first.kind, first.code, first.message, first.hint === null ? {} : { hint: first.hint });
}

export function tryToWrite(port: OutletPort, content: OutletContent, options: WriteOptions = {}): Promise<WriteResult> {
  return port.locked({ timeout: 5_000, alone: false }, (writer) =>
    writer.write(content, options.privateKey ?? noKey, {
      otherHistory: options.otherHistory ?? false,
      limit: null,
      again: options.again ?? false,
      signal: options.signal ?? new AbortController().signal,
    }),
  );
}

export async function refusal(act: Promise<unknown>): Promise<JwtrotError> {
  const error = await act.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof JwtrotError))
    throw new Error(`expected a JwtrotError, got ${String(error)}`, { cause: error });
  return error;
}
