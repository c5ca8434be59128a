import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** What a command inside came to. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A Debian with a systemd of its own as pid 1, on a copy-on-write view of the tree. Only loopback. */
export class Machine {
  readonly root: string;
  readonly #folder: string;
  readonly #log: string;
  #nspawn: ChildProcess | null = null;
  #leader = 0;

  constructor(tree: string, folder: string) {
    this.#folder = folder;
    this.root = join(folder, 'root');
    this.#log = join(folder, 'console.log');
    for (const name of ['upper', 'work', 'root']) mkdirSync(join(folder, name), { recursive: true, mode: 0o755 });
    const options = `lowerdir=${tree},upperdir=${join(folder, 'upper')},workdir=${join(folder, 'work')}`;
    execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, this.root]);
  }

  /** Returns when systemd has started everything. */
  async boot(): Promise<void> {
    const log = openSync(this.#log, 'a');
    const args = ['--quiet', '--boot', `--directory=${this.root}`, '--private-network', '--register=no', '--keep-unit'];
    const name = `jwtrot-test-${basename(this.#folder)}`;
    this.#nspawn = spawn('systemd-nspawn', [...args, `--machine=${name}`, '--console=pipe'], {
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    writeFileSync(join(this.#folder, 'pid'), String(this.#nspawn.pid));
    await until(
      () => this.#findLeader(),
      'the container has a pid 1',
      20_000,
      () => this.console(),
    );
    await until(
      async () => (await this.run('test -S /run/systemd/private')).code === 0,
      'systemd answers',
      30_000,
      () => this.console(),
    );
    await this.#limitMemory();
    await this.run('systemctl is-system-running --wait');
  }

  /** As when the power fails: nothing inside gets to do anything more. */
  async powerOff(): Promise<void> {
    const nspawn = this.#nspawn;
    if (nspawn === null || this.#leader === 0) return;
    this.#nspawn = null;
    const gone = nspawn.exitCode === null ? new Promise((resolve) => nspawn.once('exit', resolve)) : undefined;
    process.kill(this.#leader, 'SIGKILL');
    this.#leader = 0;
    await gone;
  }

  /** A shell command inside, as root. */
  run(command: string, input: string | null = null): Promise<Ran> {
    const enter = ['-t', String(this.#leader), '-m', '-u', '-i', '-n', '-p', '--', '/usr/bin/env', '-i'];
    const child = spawn('nsenter', [...enter, `PATH=${PATH}`, 'HOME=/root', 'LANG=C.UTF-8', '/bin/sh', '-c', command], {
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: '/',
    });
    child.stdin.on('error', () => undefined); // a command that reads nothing
    child.stdin.end(input ?? '');
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, stdout, stderr }));
    });
  }

  /** One that must succeed. @returns its standard output */
  async must(command: string, input: string | null = null): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, input);
    if (code === 0) return stdout;
    throw new Error(`${command}: exit ${code}\n${stdout}\n${stderr}`);
  }

  /** One property of a unit. */
  async show(unit: string, property: string): Promise<string> {
    return (await this.must(`systemctl show --timestamp=us+utc -P ${property} '${unit}'`)).trim();
  }

  /** The most memory, in MiB, that a unit has had so far. */
  async peakMemory(unit: string): Promise<number> {
    const peaks = JSON.parse(await this.must('cat /run/peaks.json')) as Record<string, number>;
    return Math.round((peaks[unit] ?? 0) / 2 ** 20);
  }

  console(): string {
    return existsSync(this.#log) ? readFileSync(this.#log, 'utf8').slice(-4_000) : '';
  }

  async close(): Promise<void> {
    await this.powerOff().catch(() => undefined);
    execFileSync('umount', ['--lazy', this.root]);
    rmSync(this.#folder, { recursive: true, force: true });
    for (const cgroup of cgroupsOfContainers()) removeEmpty(cgroup);
  }

  /** The child of nspawn's that is pid 1 in a namespace of its own: there is another one while it starts. */
  #findLeader(): boolean {
    const pid = this.#nspawn?.pid;
    if (pid === undefined || this.#nspawn?.exitCode !== null)
      throw new Error(`systemd-nspawn ended\n${this.console()}`);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
    const leader = children.find((child) => /^NSpid:\s+\d+\s+1$/m.test(readFileSync(`/proc/${child}/status`, 'utf8')));
    this.#leader = Number(leader ?? 0);
    return this.#leader !== 0;
  }

  /** On a host with cgroup v1 nspawn leaves the controllers read-only; with v2 there is nothing to do. */
  async #limitMemory(): Promise<void> {
    await this.must(
      'if [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then mount -o remount,rw,bind /sys/fs/cgroup/memory; systemctl daemon-reexec; fi',
    );
  }
}

/** What a container leaves behind: empty groups below this process's own. */
function cgroupsOfContainers(): string[] {
  const own = new Map(
    readFileSync('/proc/self/cgroup', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .map(([, controller = '', path = '']): [string, string] => [controller, path]),
  );
  const memory = own.get('memory') ?? '/';
  const trees = [
    ['/sys/fs/cgroup/systemd', own.get('name=systemd')],
    ['/sys/fs/cgroup/unified', own.get('')],
    ['/sys/fs/cgroup', own.get('')],
  ] as const;
  return [
    ...(memory === '/' ? [] : subfolders(`/sys/fs/cgroup/memory${memory}`)),
    ...trees.flatMap(([tree, path]) =>
      path === undefined ? [] : [join(tree, path, 'payload'), join(tree, path, 'supervisor')],
    ),
  ].filter((folder) => existsSync(folder));
}

function subfolders(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
}

/** rmdir(2) alone: a group that holds a process stays. */
function removeEmpty(folder: string): void {
  for (const name of subfolders(folder)) removeEmpty(name);
  spawnSync('rmdir', ['--ignore-fail-on-non-empty', folder], { stdio: 'ignore' });
}

/** A test that was killed leaves its machine behind: in folders of this name, with the pid of its container. */
export function removeLeftovers(cache: string, prefix: string): void {
  for (const name of existsSync(cache) ? readdirSync(cache) : []) {
    const [, owner] = new RegExp(`^${prefix}(\\d+)(?:-\\w+)?$`).exec(name) ?? [];
    if (owner === undefined || existsSync(`/proc/${owner}`)) continue;
    const folder = join(cache, name);
    const pid = existsSync(join(folder, 'pid')) ? Number(readFileSync(join(folder, 'pid'), 'utf8')) : 0;
    const comm = `/proc/${pid}/comm`;
    if (pid > 1 && existsSync(comm) && readFileSync(comm, 'utf8').trim() === 'systemd-nspawn')
      process.kill(pid, 'SIGKILL');
    if (existsSync(join(folder, 'root'))) spawnSync('umount', ['--lazy', join(folder, 'root')]);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Waits for a fact, not for a time. */
export async function until(
  fact: () => boolean | Promise<boolean>,
  what: string,
  limit = 20_000,
  detail: () => string | Promise<string> = () => '',
): Promise<void> {
  const end = Date.now() + limit;
  while (!(await fact())) {
    if (Date.now() > end) throw new Error(`not within ${limit / 1000} s: ${what}\n${await detail()}`);
    await wait(100);
  }
}
