import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const COMMAND = join(ROOT, 'bin/jwtrot.js');
const SERVICE = join(ROOT, 'test/e2e/service.js');

/** What a run of the real command came to. */
export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
}

export interface ServiceOptions {
  readonly jwks?: string;
  readonly key?: string;
  readonly reloadMs?: number;
  readonly ignoreReload?: boolean;
  readonly dieOnReload?: boolean;
  readonly dieAfter?: number;
  /** It fails while it holds another signing key than its first. */
  readonly onlyFirstKey?: boolean;
}

export interface RunningService {
  readonly port: number;
  readonly pid: number;
  readonly pidFile: string;
  get(path: string): Promise<{ status: number; body: Record<string, unknown> }>;
  stop(): Promise<void>;
}

/** A folder, a configuration, and the processes that a test started; all of it gone at the end. */
export class World {
  readonly folder = mkdtempSync(join(tmpdir(), 'jwtrot-e2e-'));
  readonly config = join(this.folder, 'jwtrot.yaml');
  /** Set for every run, beside the user's own. */
  defaultEnv: Record<string, string> = {};
  readonly #children = new Set<ChildProcess>();
  #services = 0;

  path(name: string): string {
    return join(this.folder, name);
  }

  configure(configuration: object): void {
    writeFileSync(this.config, stringify(configuration), { mode: 0o600 });
  }

  /** The environment of a user who has nothing set. */
  env(extra: Record<string, string> = {}): Record<string, string> {
    return {
      PATH: process.env['PATH'] ?? '',
      HOME: this.folder,
      XDG_STATE_HOME: join(this.folder, 'state'),
      ...this.defaultEnv,
      ...extra,
    };
  }

  start(args: readonly string[], options: { env?: Record<string, string>; stdin?: string | Buffer } = {}): Running {
    const withConfig = existsSync(this.config) ? ['--config', this.config] : [];
    const child = spawn(process.execPath, [COMMAND, ...args, ...withConfig], {
      cwd: this.folder,
      env: this.env(options.env),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#children.add(child);
    child.stdin?.end(options.stdin ?? '');
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (chunk) => (stdout += chunk));
    child.stderr?.on('data', (chunk) => (stderr += chunk));
    const ended = new Promise<Ran>((resolve) => {
      child.on('close', (code, signal) => {
        this.#children.delete(child);
        resolve({ code, signal, stdout, stderr });
      });
    });
    return { child, ended };
  }

  run(args: readonly string[], options: { env?: Record<string, string>; stdin?: string | Buffer } = {}): Promise<Ran> {
    return this.start(args, options).ended;
  }

  /** Runs with `--json` and reads the document. */
  async json<T = Record<string, unknown>>(
    args: readonly string[],
  ): Promise<{ code: number | null; document: T; stderr: string }> {
    const { code, stdout, stderr } = await this.run([...args, '--json']);
    return { code, document: JSON.parse(stdout) as T, stderr };
  }

  async service(options: ServiceOptions, port = 0): Promise<RunningService> {
    this.#services += 1;
    const pidFile = this.path(`service-${this.#services}.pid`);
    const child = spawn(process.execPath, [SERVICE, JSON.stringify({ ...options, pidFile, port })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#children.add(child);
    const listening = await new Promise<number>((resolve, reject) => {
      child.stdout?.once('data', (chunk) => resolve(Number(String(chunk))));
      child.once('exit', () => reject(new Error('the service ended before it listened')));
    });
    return {
      port: listening,
      pid: child.pid ?? 0,
      pidFile,
      async get(path) {
        const response = await fetch(`http://127.0.0.1:${listening}${path}`);
        return { status: response.status, body: (await response.json()) as Record<string, unknown> };
      },
      stop: () => end(child),
    };
  }

  readJson<T = { keys: { kid: string }[] }>(name: string): T {
    return JSON.parse(readFileSync(this.path(name), 'utf8')) as T;
  }

  folderFor(name: string): string {
    mkdirSync(this.path(name), { recursive: true, mode: 0o755 });
    return this.path(name);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#children].map(end));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

/** proc_pid_stat(5): `T`, stopped by a signal. */
export function isStopped({ child }: Running): boolean {
  const stat = `/proc/${child.pid}/stat`;
  return existsSync(stat) && /\) T /.test(readFileSync(stat, 'utf8'));
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Waits for a fact, not for a time. */
export async function until(fact: () => boolean | Promise<boolean>, what: string, limit = 10_000): Promise<void> {
  const end = Date.now() + limit;
  while (!(await fact())) {
    if (Date.now() > end) throw new Error(`not within ${limit} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
