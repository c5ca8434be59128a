import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Duration, MINUTE } from '../keyset/basics/clock.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { decodeJson, isJsonObject, type JsonObject } from '../keyset/basics/foreign-json.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { errnoOf } from '../outside/errno.js';
import { readGuarded } from '../outside/read-file.js';
import { valueAt } from '../services/pointer.js';

/** How this very program is started again. */
export interface Program {
  /** The Node that runs it. */
  readonly node: string;
  readonly script: string;
  /** Where temporary folders are made. */
  readonly temporary: string;
  readonly signal: AbortSignal;
}

/** Where the services of the demonstration listen: `127.0.0.1:PORT`. */
export interface Addresses {
  readonly issuers: readonly string[];
  readonly verifiers: readonly string[];
}

/** What a verb came to. */
export interface Ran {
  readonly outcome: string;
  readonly active: string | null;
  /** The first thing that did not work; null: nothing. */
  readonly problem: string | null;
}

/** The longest life of a token. A former key is published for as long, and `HEALTH_DEADLINE` longer. */
export const TOKEN_LIFE: Duration = 4_000;
const LONGEST_RUN: Duration = MINUTE;
/** Bytes. */
const MOST_KEY = 16 * 1024;
const HEALTH_DEADLINE: Duration = 1_500;

/** A keyset of its own in a temporary folder, with `jwtrot` as a user would start it. */
export class Site {
  readonly folder: string;
  readonly jwks: string;
  readonly key: string;
  readonly #config: string;

  constructor(private readonly program: Program) {
    this.folder = newFolder(program.temporary);
    for (const name of ['public', 'private']) mkdirSync(join(this.folder, name), { mode: 0o700 });
    this.jwks = join(this.folder, 'public', 'jwks.json');
    this.key = join(this.folder, 'private', 'demo.jwk');
    this.#config = join(this.folder, 'jwtrot.yaml');
  }

  configure(addresses: Addresses): void {
    writeFileSync(this.#config, JSON.stringify(this.#configuration(addresses), null, 2), { mode: 0o600 });
  }

  /** JSON is YAML. */
  #configuration({ issuers, verifiers }: Addresses): object {
    const service = (name: string, role: string, addresses: readonly string[]) => ({
      name,
      role,
      instances: addresses.map((address, i) => ({ name: `${i + 1}`, address })),
      reload: { http: 'http://{address}/reload', timeout: '1s' },
      health: { url: 'http://{address}/healthz', timeout: '1s', deadline: `${HEALTH_DEADLINE}ms` },
      rollout: { batch: 1 },
    });
    return {
      store: { type: 'directory', path: join(this.folder, 'store') },
      wrap: { type: 'local', kek: { file: join(this.folder, 'kek') } },
      keysets: {
        demo: {
          alg: 'ES256',
          maxTokenTtl: `${TOKEN_LIFE}ms`,
          verifyFor: `${TOKEN_LIFE + HEALTH_DEADLINE}ms`,
          // All verifiers are listed and read the file itself, so the next key need not wait for caches.
          unlistedVerifiers: false,
          jwksMaxAge: '0s',
          publishAhead: '0s',
          clockSkew: '0s',
          publish: [{ file: this.jwks }],
          deliver: [{ file: this.key, format: 'jwk', allowDisk: true }],
          services: [service('issuer', 'signer', issuers), service('verifier', 'verifier', verifiers)],
        },
      },
    };
  }

  /** Runs a verb of `jwtrot` to its end. Its failure is a result; when `signal` aborts it is ended as by `kill`. */
  async run(...args: readonly string[]): Promise<Ran> {
    const { node, script, signal } = this.program;
    signal.throwIfAborted();
    const env = { HOME: this.folder, XDG_STATE_HOME: join(this.folder, 'state') };
    const child = spawn(node, [script, ...args, '--json', '--config', this.#config], {
      env,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let stdout = '';
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk);
    });
    const end = () => child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), LONGEST_RUN);
    signal.addEventListener('abort', end);
    // Until then it may write into the folder that is about to be removed.
    await new Promise((resolve) => child.once('error', resolve).once('close', resolve));
    signal.removeEventListener('abort', end);
    clearTimeout(kill);
    signal.throwIfAborted();
    return readRan(stdout);
  }

  /** The private key that jwtrot has delivered to the issuers, as a thief would read it. */
  async deliveredKey(): Promise<JsonObject> {
    const read = await readGuarded(this.key, { limit: MOST_KEY, links: 'refuse' });
    const decoded = read.ok ? decodeJson(read.bytes.toString()) : null;
    if (decoded?.ok !== true || !isJsonObject(decoded.value)) throw new Error(`${this.key} holds no key`);
    return decoded.value;
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Reads the document that `rotate --json` and `retire --json` print, also when they fail. */
function readRan(stdout: string): Ran {
  const decoded = decodeJson(stdout);
  const document = decoded.ok ? decoded.value : null;
  const text = (pointer: string) => {
    const value = valueAt(document, pointer);
    return typeof value === 'string' ? value : null;
  };
  const said = text('/keysets/0/problems/0/message') ?? text('/error/message');
  return {
    outcome: text('/keysets/0/outcome') ?? 'failed',
    active: text('/keysets/0/active'),
    problem: said ?? (document === null ? 'it printed no result' : null),
  };
}

/** @throws JwtrotError `no-temporary-folder` */
function newFolder(parent: string): string {
  try {
    return mkdtempSync(join(parent, 'jwtrot-demo-'));
  } catch (error) {
    throw new JwtrotError(
      'usage',
      'no-temporary-folder',
      `the demonstration needs a temporary folder, and none can be made in ${quoteOutside(parent)}: ${errnoOf(error)}; nothing was started`,
      { hint: 'name another place: TMPDIR=/tmp jwtrot demo' },
    );
  }
}
