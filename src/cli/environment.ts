import { homedir } from 'node:os';
import type { Clock } from '../keyset/clock.js';

/** A stream that text is written to. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Everything that the process gets from outside: read here alone, handed to all else. */
export interface Environment {
  /** The command line, without the program. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
  readonly home: string;
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly stdin: NodeJS.ReadStream;
  readonly clock: Clock;
  /** Aborts on SIGINT and SIGTERM, with an `Interrupted` as its reason. */
  readonly signal: AbortSignal;
}

/** Ctrl-C, `systemctl stop`, a shutdown. */
export class Interrupted extends Error {
  constructor(readonly by: 'SIGINT' | 'SIGTERM') {
    super(`interrupted by ${by}`);
  }

  get exit(): 130 | 143 {
    return this.by === 'SIGINT' ? 130 : 143;
  }
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (duration, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const stop = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop);
        resolve();
      }, duration);
      signal?.addEventListener('abort', stop, { once: true });
    }),
};

function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      // The second one does not wait for the step under way: it is resumable all the same.
      if (controller.signal.aborted) process.exit(new Interrupted(name).exit);
      controller.abort(new Interrupted(name));
    });
  }
  return controller.signal;
}

export function processEnvironment(): Environment {
  // A reader that has gone away (`| head`) is no failure.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
  return {
    argv: process.argv.slice(2),
    env: process.env,
    uid: process.getuid?.() ?? -1,
    home: process.env['HOME'] || homedir(),
    stdout: process.stdout,
    stderr: process.stderr,
    // Opened when it is first asked for: making the stream takes a while, and hardly any verb reads it.
    get stdin() {
      return process.stdin;
    },
    clock: systemClock,
    signal: interruption(),
  };
}
