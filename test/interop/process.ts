import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../e2e/world.js';

export interface ProcessOptions {
  readonly command: readonly string[];
  readonly folder: string;
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** A program that answers HTTP on loopback, with the processes that it starts: a group of their own. */
export class Process {
  readonly options: ProcessOptions;
  /** Its process id, as programs write it for those who signal them; that of now, after each start. */
  readonly pidFile: string;
  #child: ChildProcess | null = null;
  #said = '';

  constructor(options: ProcessOptions) {
    this.options = options;
    this.pidFile = join(options.folder, 'pid');
  }

  /** What it has printed since it was made. */
  said(): string {
    return this.#said;
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.options.port}${path}`;
  }

  /** Ends with its first answer, whatever that is. */
  async start(): Promise<void> {
    const { command, folder, env } = this.options;
    const [program = '', ...args] = command;
    const child = spawn(program, args, {
      cwd: folder,
      env: { ...process.env, ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (this.#said += chunk));
    child.once('error', (error) => (this.#said += error.message));
    writeFileSync(this.pidFile, `${child.pid}\n`, { mode: 0o644 });
    await until(
      async () => {
        if (child.pid === undefined || hasEnded(child)) throw new Error(`${command.join(' ')} ended: ${this.#said}`);
        return (await statusOf(this.url('/'))) !== UNREACHABLE;
      },
      `an answer of ${command.join(' ')}`,
      60_000,
    ).catch(async (error) => {
      await this.kill();
      throw error;
    });
  }

  /** As a service manager does: SIGTERM, and SIGKILL for whatever is left. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === null || hasEnded(child)) return this.kill();
    child.kill('SIGTERM');
    await until(() => hasEnded(child), `the end of ${this.options.command.join(' ')}`, 20_000).catch(() => {});
    await this.kill();
  }

  /** SIGKILL, to all of its processes. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child?.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // Nothing of it is left.
    }
    await until(() => hasEnded(child), `the end of ${this.options.command.join(' ')}`);
  }
}

/** What a party has of its one process. */
export function livesAs(process: Process): Pick<Process, 'start' | 'stop' | 'kill' | 'said'> {
  return {
    start: () => process.start(),
    stop: () => process.stop(),
    kill: () => process.kill(),
    said: () => process.said(),
  };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** In place of a status: nobody answered. */
export const UNREACHABLE = 0;

/** The status of an answer to a token. Each request has a connection of its own: behind one port may be several workers. */
export async function statusOf(url: string, token?: string): Promise<number> {
  const { status } = await answerOf(url, token);
  return status;
}

export async function answerOf(url: string, token?: string): Promise<{ status: number; body: string }> {
  const headers: Record<string, string> = { connection: 'close' };
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  try {
    const response = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(10_000) });
    return { status: response.status, body: await response.text() };
  } catch {
    return { status: UNREACHABLE, body: '' };
  }
}
