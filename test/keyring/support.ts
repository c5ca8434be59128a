import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeyringError } from '../../src/keyring/keyring-error.js';
import { open } from '../../src/keyring/open.js';
import type { Keyring, KeyringOptions } from '../../src/keyring/public.js';
import type { Surroundings } from '../../src/keyring/surroundings.js';
import { type GeneratedKey, generateKey } from '../../src/keys/generate.js';
import { toPkcs8Pem, toPrivateJwk } from '../../src/keys/private-key.js';
import type { Algorithm } from '../../src/keyset/basics/algorithm.js';

export interface TestKey extends GeneratedKey {
  readonly kid: string;
  readonly alg: Algorithm;
}

export async function newKey(alg: Algorithm = 'ES256', kid?: string): Promise<TestKey> {
  const key = await generateKey(alg, 2048);
  return { ...key, alg, kid: kid ?? key.thumbprint };
}

export function published({ publicJwk, kid, alg }: TestKey): Record<string, unknown> {
  return { ...publicJwk, kid, alg, use: 'sig' };
}

export function jwksOf(...keys: TestKey[]): string {
  return JSON.stringify({ keys: keys.map(published) });
}

export const jwkOf = ({ privateKey, kid, alg }: TestKey): string =>
  toPrivateJwk(privateKey, { kid, alg, told: null }).toString();
export const pemOf = ({ privateKey }: TestKey): string => toPkcs8Pem(privateKey).toString();

interface Timer {
  readonly at: number;
  readonly work: () => void;
}

/** Time that stands still until a test moves it, and a signal that a test sends. */
export class World implements Surroundings {
  readonly folder = mkdtempSync(join(tmpdir(), 'jwtrot-keyring-'));
  wall = Date.now();
  steady = 1_000_000;
  readonly timers = new Set<Timer>();
  readonly hangups = new Set<() => void>();
  readonly env = {};
  readonly uid = process.geteuid?.() ?? 0;
  readonly home = this.folder;
  readonly #open: Keyring[] = [];
  now = () => this.wall;
  monotonic = () => this.steady;
  random = () => 0;

  later(after: number, work: () => void): () => void {
    const timer = { at: this.steady + after, work };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }

  onHangup(work: () => void): () => void {
    this.hangups.add(work);
    return () => void this.hangups.delete(work);
  }

  /** Both clocks. Runs what is due, in order. */
  pass(ms: number): void {
    const end = this.steady + ms;
    for (;;) {
      const [due] = [...this.timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (due === undefined) break;
      this.timers.delete(due);
      this.wall += Math.max(0, due.at - this.steady);
      this.steady = Math.max(this.steady, due.at);
      due.work();
    }
    this.wall += end - this.steady;
    this.steady = end;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** As jwtrot does: never half a file. */
  put(name: string, text: string): string {
    writeFileSync(this.path(`${name}.new`), text, { mode: 0o600 });
    renameSync(this.path(`${name}.new`), this.path(name));
    return this.path(name);
  }

  /** Puts a folder in the place of another. */
  replaceFolder(by: string, name: string): void {
    rmSync(this.path(name), { recursive: true });
    renameSync(this.path(by), this.path(name));
  }

  async open(options: Partial<KeyringOptions> & Pick<KeyringOptions, 'from'>): Promise<Keyring> {
    const keyring = await open({ keyset: 'api', role: 'both', maxTokenTtl: '1h', ...options }, this);
    this.#open.push(keyring);
    return keyring;
  }

  /** Of the files `jwks.json` and `key.jwk`. */
  files(options: Partial<KeyringOptions> = {}): Promise<Keyring> {
    const key = options.role === 'verifier' ? {} : { key: this.path('key.jwk') };
    return this.open({ from: { files: { jwks: this.path('jwks.json'), ...key } }, ...options });
  }

  async end(): Promise<void> {
    await Promise.all(this.#open.map((keyring) => keyring.close()));
    rmSync(this.folder, { recursive: true });
  }
}

/** The code of the KeyringError that it throws; what it returns, if it throws none. */
export async function codeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof KeyringError) return error.code;
    throw error;
  }
}

export const ANY = { issuer: null, audience: null, type: null } as const;

/** Waits until it holds: what is awaited is real I/O, so no clock can be moved for it. */
export async function until(isMet: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!isMet()) {
    if (Date.now() > end) throw new Error(`not met: ${isMet}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
