import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { runWarm } from './warm/pool.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const COMMAND = join(ROOT, 'bin/jwtrot.js');
/** `service.js` in one file, made by `setup.ts`: it starts in half the time. */
const SERVICE = join(ROOT, 'node_modules/.cache/jwtrot/service.cjs');

/** `1`: each command is a process of its own, as for a user. */
const PROCESSES = process.env['JWTROT_PROCESSES'] === '1';

interface RunOptions {
  readonly env?: Record<string, string>;
  readonly stdin?: string | Buffer;
}

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
  /** A keyset's folder in a local store, and the KEK's file: it reads its keys there. */
  readonly store?: string;
  readonly kek?: string;
  /** While this file is there it can unwrap no key that it has not yet. */
  readonly sealed?: string;
  /** What its tokens carry besides their subject. */
  readonly claims?: Record<string, unknown>;
  readonly reloadMs?: number;
  readonly ignoreReload?: boolean;
  /** After a reload it names its tokens by the new key, and signs with the old one. */
  readonly mislabels?: boolean;
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
  /** Forgets all and reads its files, as after a start. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** A folder, a configuration, and the processes that a test started; all of it gone at the end. */
export class World {
  readonly folder = mkdtempSync(join(tmpdir(), 'jwtrot-e2e-'));
  readonly config = join(this.folder, 'jwtrot.yaml');
  /** Set for every run, beside the user's own. */
  defaultEnv: Record<string, string> = {};
  /** Each command is a process of its own. */
  eachAProcess = PROCESSES;
  readonly #kept = `${this.folder}.kept`;
  #children = new Set<ChildProcess>();
  #lasting: ReadonlySet<ChildProcess> = new Set();
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

  /** Starts it as a process of its own. */
  start(args: readonly string[], options: RunOptions = {}): Running {
    const child = spawn(process.execPath, [COMMAND, ...args, ...this.#withConfig()], {
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

  /** Runs it to its end: in a process that is running already, unless it is set up by its environment. */
  async run(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const env = this.env(options.env);
    if (this.eachAProcess || Object.keys(env).some((name) => name.startsWith('NODE_')))
      return this.start(args, options).ended;
    const stdin = Buffer.from(options.stdin ?? '').toString('base64');
    const job = { args: [...args, ...this.#withConfig()], script: COMMAND, env, folder: this.folder, stdin };
    const { child, done } = runWarm(job);
    this.#children.add(child);
    const answer = await done;
    this.#children.delete(child);
    return answer === null ? { code: null, signal: 'SIGKILL', stdout: '', stderr: '' } : { ...answer, signal: null };
  }

  #withConfig(): string[] {
    return existsSync(this.config) ? ['--config', this.config] : [];
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
    const get: RunningService['get'] = async (path) => {
      const response = await fetch(`http://127.0.0.1:${listening}${path}`);
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    return {
      port: listening,
      pid: child.pid ?? 0,
      pidFile,
      get,
      async restart() {
        const { status } = await fetch(`http://127.0.0.1:${listening}/restart`, { signal: AbortSignal.timeout(5_000) });
        if (status !== 200) throw new Error(`a service that starts anew answers ${status}`);
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

  /** Everything that is here now, to be put back; what runs now goes on running. */
  keep(): void {
    execFileSync('cp', ['-a', this.folder, this.#kept]);
    this.#lasting = new Set(this.#children);
  }

  /** @returns whether all is as it was: false when something that ran then has ended */
  async putBack(): Promise<boolean> {
    await Promise.all([...this.#children].filter((child) => !this.#lasting.has(child)).map(end));
    if ([...this.#lasting].some(hasEnded)) return false;
    this.#children = new Set(this.#lasting);
    this.defaultEnv = {};
    this.eachAProcess = PROCESSES;
    for (const entry of readdirSync(this.folder)) rmSync(this.path(entry), { recursive: true });
    execFileSync('cp', ['-a', `${this.#kept}/.`, this.folder]);
    return true;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#children].map(end));
    for (const folder of [this.folder, this.#kept]) rmSync(folder, { recursive: true, force: true });
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
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
