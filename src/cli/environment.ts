import { setMaxListeners } from 'node:events';
import { homedir } from 'node:os';
import type { Clock } from '../keyset/basics/clock.js';
import { systemClock } from '../outside/system-clock.js';
import { Interrupted, type Interruption } from './interrupted.js';
import { leave, neverWaitFor } from './leave.js';
import type { TextStream } from './streams.js';
import { type Supervisor, supervisorOf } from './watchdog/supervised.js';

/** Everything that the process gets from outside. Only this file reads it, and hands it to all others. */
export interface Environment {
  /** The arguments, without the program. */
  readonly argv: readonly string[];
  /** The program's own file, as it was called. */
  readonly script: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly home: string;
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly stdin: NodeJS.ReadStream;
  readonly clock: Clock;
  /** Aborts on SIGINT and SIGTERM, with an `Interrupted` as its reason. */
  readonly signal: AbortSignal;
  /** The process that watches over this one; null: none does. */
  readonly supervisor: Supervisor | null;
}

/** Both must exist before the command line is read. */
function watched(): Pick<Environment, 'signal' | 'supervisor'> {
  const controller = new AbortController();
  // Every operation under way listens until it is done. Node would warn of a leak from the eleventh listener on.
  setMaxListeners(0, controller.signal);
  const interrupt = (by: Interruption) => controller.abort(new Interrupted(by));
  // Ctrl-C reaches both the supervisor and its worker, and the supervisor passes it on. It still counts once.
  const supervisor = supervisorOf(interrupt);
  let times = 0;
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      times += 1;
      interrupt(name);
      // The second signal does not wait for the step under way, which is resumable anyway.
      if (times > 1)
        void leave(new Interrupted(name).exit, { stdout: process.stdout, stderr: process.stderr, isUrgent: true });
    });
  }
  return { signal: controller.signal, supervisor };
}

export function processEnvironment(): Environment {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // It is no failure if the reader is gone (`| head`) or the terminal was closed.
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    });
  }
  const { signal, supervisor } = watched();
  if (supervisor !== null) for (const stream of [process.stdout, process.stderr]) neverWaitFor(stream);
  return {
    argv: process.argv.slice(2),
    script: process.argv[1] ?? '',
    env: process.env,
    uid: process.getuid?.() ?? -1,
    home: process.env['HOME'] || homedir(),
    stdout: process.stdout,
    stderr: process.stderr,
    // Opened on first use: making the stream takes a while, and hardly any verb reads it.
    get stdin() {
      return process.stdin;
    },
    clock: systemClock,
    signal,
    supervisor,
  };
}
