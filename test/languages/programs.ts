import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, until } from '../e2e/world.js';
import { Page } from '../support/page.js';

export const PAGE = new Page('docs/services-python-go.md');
export const PYTHON = process.env['JWTROT_TEST_PYTHON'] ?? '/usr/bin/python3';
const GO = process.env['JWTROT_TEST_GO'] ?? 'go';

export type Language = 'python' | 'go';
export const LANGUAGES: readonly Language[] = ['python', 'go'];

/** A whole program of the page: the block after its name. */
export function programOf(name: string): string {
  const found = [...PAGE.text.matchAll(/`(\w+\.\w+)`:\n\n```\w+\n([\s\S]*?)^```$/gm)];
  const [only, ...others] = found.filter(([, said]) => said === name);
  if (only === undefined || others.length > 0) throw new Error(`not one program ${name} in the page`);
  return only[2] ?? '';
}

/** What a text of the page has, and what it is here. Each must be there: a test that changes nothing would test nothing. */
export type Changes = readonly (readonly [from: string, to: string])[];

export function changed(text: string, changes: Changes): string {
  return changes.reduce((now, [from, to]) => {
    if (!now.includes(from)) throw new Error(`the page does not say ${from}`);
    return now.replaceAll(from, to);
  }, text);
}

export interface Answer {
  readonly status: number;
  readonly body: { kid?: string; kids?: string[]; token?: string; sub?: string; worker?: number };
}

export interface Program {
  readonly port: number;
  readonly pid: number;
  /** What it has printed so far. */
  said(): string;
  get(path: string, token?: string): Promise<Answer>;
  end(): Promise<void>;
}

/** How a language starts the program that lies in the folder. */
const COMMANDS: Readonly<Record<Language, (folder: string, role: string) => Promise<string[]>>> = {
  python: async (folder, role) => [PYTHON, '-u', join(folder, `${role}.py`)],
  go: async (folder, role) => {
    await buildGo(folder, role);
    return [join(folder, role)];
  },
};

/** By the commands of the page, without a network. */
async function buildGo(folder: string, role: string): Promise<void> {
  const env = { ...process.env, GOPROXY: 'off', GOFLAGS: '', GOWORK: 'off' };
  const commands = PAGE.commands('Go').filter((line) => !line.startsWith('go build') || line.endsWith(` ${role}.go`));
  for (const command of commands) {
    const [program, ...args] = command.split(' ');
    if (program !== 'go') throw new Error(`${command} is no command of Go`);
    await promisify(execFile)(GO, args, { cwd: folder, env });
  }
}

export interface Prepared {
  readonly command: readonly string[];
  readonly folder: string;
  readonly port: number;
}

/** Puts `signer` or `verifier` into the folder, for a port of its own, and builds it. */
export async function prepareProgram(
  language: Language,
  role: 'signer' | 'verifier',
  folder: string,
  changes: Changes,
): Promise<Prepared> {
  const port = await freePort();
  const source = `${role}.${language === 'go' ? 'go' : 'py'}`;
  mkdirSync(folder, { recursive: true });
  const listens = language === 'go' ? '127.0.0.1:' : '"127.0.0.1", ';
  const ports: Changes = [[`${listens}${role === 'signer' ? 8080 : 8081}`, `${listens}${port}`]];
  writeFileSync(join(folder, source), changed(programOf(source), [...ports, ...changes]));
  return { command: await COMMANDS[language](folder, role), folder, port };
}

/** Starts it as a process of its own. */
export async function startProgram(...which: Parameters<typeof prepareProgram>): Promise<Program> {
  const { command, folder, port } = await prepareProgram(...which);
  return started(command, folder, port);
}

/** Runs a command that answers HTTP on that port, until the first answer. */
export async function started(
  [command = '', ...args]: readonly string[],
  folder: string,
  port: number,
): Promise<Program> {
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.once('error', (error) => (text += error.message));
  const get: Program['get'] = async (path, token) => {
    const headers: Record<string, string> = { connection: 'close' };
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers, signal: AbortSignal.timeout(10_000) });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  };
  const end = () => endOf(child, ended);
  await until(
    async () => {
      if (child.exitCode !== null || child.pid === undefined) throw new Error(`it ended: ${text}`);
      return get('/healthz').then(
        () => true,
        () => false,
      );
    },
    `an answer of ${command} ${args.join(' ')}: ${text}`,
  ).catch(async (error) => {
    await end();
    throw error;
  });
  return { port, pid: child.pid ?? 0, said: () => text, get, end };
}

async function endOf(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
  await ended;
}
