import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { COMMAND, type Ran } from '../e2e/world.js';
import { SECRET, Services } from './services.js';

/** Of root, outlets in directories of somebody else are tried, too. */
export const IS_ROOT = process.getuid?.() === 0;
/** Nobody's. */
export const STRANGER = 64_123;
const DEAD_FILES = fileURLToPath(new URL('dead-files.cjs', import.meta.url));
const CA = fileURLToPath(new URL('../fixtures/tls/ca.pem', import.meta.url));

/** Where the things of a site lie. */
export type Paths = ReturnType<typeof pathsIn>;

function pathsIn(now: string) {
  return {
    config: join(now, 'jwtrot.yaml'),
    state: join(now, 'state'),
    store: join(now, 'state/store'),
    kek: join(now, 'kek'),
    /** An outlet in a directory of jwtrot's own, that is read back at a URL too. */
    jwks: join(now, 'own/jwks.json'),
    /** An outlet in a directory of somebody else. */
    strangers: join(now, 'strangers/jwks.json'),
    /** A directory with a file for each key. */
    pems: join(now, 'pems/keys'),
    /** What is delivered to the issuer. */
    key: join(now, 'private/api.jwk'),
    /** A program that takes the JWKS, and where it puts it. */
    publish: join(now, 'bin/publish'),
    taken: join(now, 'bin/taken.json'),
    /** A program that lists the instances of the edge. */
    list: join(now, 'bin/list'),
    header: join(now, 'etc/header'),
    ca: join(now, 'etc/ca.pem'),
    pid: join(now, 'run/gateway.pid'),
    /** The key that is to be retired, as it leaked. */
    leaked: join(now, 'leaked.jwk'),
  };
}

/** A keyset of two keys with outlets and services of each kind, to be put back again and again. */
export class Site {
  readonly #folder: string;
  readonly paths: Paths;
  readonly fifo: string;
  /** The active key, which is to be retired. */
  kid = '';

  private constructor(
    folder: string,
    paths: Paths,
    readonly services: Services,
  ) {
    this.#folder = folder;
    this.paths = paths;
    this.fifo = join(folder, 'fifo');
  }

  static async open(): Promise<Site> {
    const folder = mkdtempSync(join(tmpdir(), 'jwtrot-hostile-'));
    const paths = pathsIn(join(folder, 'now'));
    const site = new Site(folder, paths, await Services.start(paths));
    await site.#prepare();
    return site;
  }

  async #prepare(): Promise<void> {
    const { paths } = this;
    for (const path of Object.values(paths)) mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    mkdirSync(paths.pems, { mode: 0o755 });
    if (IS_ROOT) chownSync(dirname(paths.strangers), STRANGER, STRANGER);
    execFileSync('mkfifo', [this.fifo]);
    copyFileSync(CA, paths.ca);
    writeFileSync(paths.header, `${SECRET}\n`, { mode: 0o600 });
    writeFileSync(paths.pid, `${this.services.pid}\n`);
    script(paths.publish, `cat > ${paths.taken}`);
    script(paths.list, `echo '[{"name":"edge","address":"${this.services.address}"}]'`);
    writeFileSync(paths.config, stringify(this.#configuration()), { mode: 0o600 });
    for (const args of [['rotate'], ['rotate', '--immediate']]) {
      const { code, stderr } = await this.run(args);
      if (code !== 0) throw new Error(`jwtrot ${args.join(' ')} ended with ${code}: ${stderr}`);
    }
    copyFileSync(paths.key, paths.leaked);
    this.kid = JSON.parse(readFileSync(paths.key, 'utf8')).kid;
    execFileSync('cp', ['-a', join(this.#folder, 'now'), join(this.#folder, 'saved')]);
  }

  #configuration(): object {
    const { paths, services } = this;
    const health = { timeout: '500ms', deadline: '3s' };
    return {
      store: { type: 'directory', path: paths.store },
      wrap: { type: 'local', kek: { file: paths.kek } },
      keysets: {
        api: {
          alg: 'ES256',
          maxTokenTtl: '1h',
          unlistedVerifiers: false,
          jwksMaxAge: '0s',
          publishAhead: '0s',
          clockSkew: '0s',
          publish: [
            { file: paths.jwks, url: `${services.url}/jwks` },
            { file: paths.strangers, allowShared: true },
            { directory: paths.pems, format: 'pem' },
            { command: [paths.publish], timeout: '3s' },
          ],
          deliver: [{ file: paths.key, format: 'jwk', allowDisk: true }],
          services: [
            {
              name: 'issuer',
              role: 'signer',
              reload: { http: `${services.url}/issuer/reload`, timeout: '1s' },
              health: { url: `${services.url}/issuer/healthz`, ...health },
            },
            {
              name: 'gateway',
              role: 'verifier',
              reload: { signal: 'HUP', pidFile: paths.pid, timeout: '1s' },
              health: { url: `${services.url}/gateway/healthz`, ...health },
            },
            {
              name: 'edge',
              role: 'verifier',
              instances: { command: [paths.list] },
              reload: 'none',
              health: {
                url: 'https://{address}/edge/healthz',
                headers: { authorization: { file: paths.header } },
                tls: { ca: paths.ca },
                ...health,
              },
            },
          ],
        },
      },
    };
  }

  /** As it was prepared. */
  restore(): void {
    const now = join(this.#folder, 'now');
    rmSync(now, { recursive: true, force: true });
    execFileSync('cp', ['-a', join(this.#folder, 'saved'), now]);
    this.services.restart();
  }

  /** The real command. @param dead what hangs, as on a server that has died */
  run(args: readonly string[], dead: readonly string[] = []): Promise<Ran & { readonly took: number }> {
    const env: Record<string, string> = { PATH: process.env['PATH'] ?? '', HOME: this.#folder };
    if (dead.length > 0) {
      env['NODE_OPTIONS'] = `--require ${DEAD_FILES}`;
      env['JWTROT_TEST_FIFO'] = this.fifo;
      env['JWTROT_TEST_DEAD'] = dead.join(':');
    }
    const began = performance.now();
    const child = spawn(process.execPath, [COMMAND, ...args, '--config', this.paths.config], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ran = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => (ran.stdout += chunk));
    child.stderr.on('data', (chunk) => (ran.stderr += chunk));
    return new Promise((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal, ...ran, took: performance.now() - began }));
    });
  }

  /** The outlets by name, with the kids that they hold now; null where that can't be told. */
  published(): Record<'own' | 'strangers' | 'pems' | 'command' | 'delivered', readonly string[] | null> {
    const { jwks, strangers, pems, taken, key } = this.paths;
    const others = { command: kids(taken), delivered: kids(key) };
    return { own: kids(jwks), strangers: kids(strangers), pems: pemKids(pems), ...others };
  }

  async close(): Promise<void> {
    await this.services.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function script(path: string, line: string): void {
  writeFileSync(path, `#!/bin/sh\n${line}\n`);
  chmodSync(path, 0o755);
}

/** The kids of the files that hold a key; null where what lies there is no directory. */
function pemKids(folder: string): string[] | null {
  try {
    const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => {
      const path = join(folder, entry.name);
      return entry.isFile() && statSync(path).size < 10_000 && readFileSync(path, 'utf8').includes('PUBLIC KEY');
    });
    return files.flatMap(({ name }) => /^([^.].*)\.pem$/.exec(name)?.[1] ?? []);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? [] : null;
  }
}

/** Nothing that holds up the test itself is read. */
function kids(path: string): string[] | null {
  try {
    const facts = statSync(path);
    if (!facts.isFile() || facts.size > 1_000_000) return null;
    const found = JSON.parse(readFileSync(path, 'utf8'));
    return found.kid === undefined ? found.keys.map((key: { kid: string }) => key.kid) : [found.kid];
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? [] : null;
  }
}
