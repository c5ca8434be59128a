import { randomUUID } from 'node:crypto';
import { accessSync, constants, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach } from 'vitest';
import type { Clock } from '../../src/keyset/clock.js';
import { JwtrotError } from '../../src/keyset/error.js';
import type { Manifest } from '../../src/keyset/model.js';
import { type OutletContent, outletContent } from '../../src/keyset/projection.js';
import type { DeliverOutlet, OutletPort, PublishOutlet } from '../../src/outlets/outlet.js';
import { createOutletPort, type OutletPortOptions } from '../../src/outlets/port.js';
import { firstManifest, keyOf, type TestPair } from '../support/manifest.js';

export const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (duration, signal) => {
    await sleep(duration, undefined, signal === undefined ? {} : { signal });
  },
};

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

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
  made.push(folder);
  return folder;
}

export function toFile(path: string, changes: Partial<Extract<PublishOutlet, { type: 'file' }>> = {}): PublishOutlet {
  return { type: 'file', path, format: 'jwks', mode: 0o644, url: null, ...changes };
}

export function toSecret(path: string, changes: Partial<DeliverOutlet> = {}): DeliverOutlet {
  return { path, format: 'pem', mode: 0o600, owner: null, group: null, allowDisk: false, ...changes };
}

export function portOf(options: Partial<OutletPortOptions>): OutletPort {
  return createOutletPort({
    keyset: 'api',
    publish: [],
    deliver: [],
    stateDirectory: '/nonexistent/jwtrot',
    env: {},
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
  const keys = pairs.map((pair, i) =>
    keyOf(pair, {
      version: i + 1,
      state: i === 0 ? 'active' : 'pending',
      activatedAt: i === 0 ? 0 : null,
      signedFrom: i === 0 ? 0 : null,
    }),
  );
  return outletContent(firstManifest('api', { revision, keys, ...changes }));
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
  readonly acceptOlder?: boolean;
  readonly again?: boolean;
  readonly signal?: AbortSignal;
}

export function write(port: OutletPort, content: OutletContent, options: WriteOptions = {}) {
  return port.locked(5_000, (writer) =>
    writer.write(content, options.privateKey ?? noKey, {
      acceptOlder: options.acceptOlder ?? false,
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
