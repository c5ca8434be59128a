import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { COMMAND, until, type World } from '../e2e/world.js';

/** The real command on a terminal of its own: script(1) makes one, and types what it gets on its standard input. */
export class Terminal {
  #shown = '';
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;

  constructor(
    private readonly world: World,
    args: readonly string[],
  ) {
    const line = [process.execPath, COMMAND, ...args, '--config', world.config].join(' ');
    this.child = spawn('script', ['--quiet', '--flush', '--return', '--command', `exec ${line}`, '/dev/null'], {
      env: { ...world.env(), TERM: 'xterm', SHELL: '/bin/sh' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.child.stdout?.on('data', (chunk) => (this.#shown += chunk));
    this.ended = new Promise((resolve) => this.child.once('exit', resolve));
  }

  get shown(): string {
    return this.#shown;
  }

  type(keys: string): void {
    this.child.stdin?.write(keys);
  }

  /** What a window that is closed is to the programs in it. */
  close(): void {
    this.child.kill('SIGKILL');
  }

  /** The programs in a closed window may go on: they are not this process's children. */
  allEnded(): Promise<void> {
    return until(() => !isAnywhere(this.world.config), 'the runs on the terminal have ended', 30_000);
  }
}

function isAnywhere(argument: string): boolean {
  return readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(argument);
    } catch {
      return false; // it has just ended
    }
  });
}
