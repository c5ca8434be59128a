import { killRunningGroups } from '../../outside/process-group.js';
import type { Progress } from '../../rollout/context.js';
import type { Interruption } from '../interrupted.js';

/** What the worker is about to do. */
export interface Incident {
  readonly keyset: string;
  readonly kid: string;
  /** As the store describes itself. */
  readonly store: string;
}

/** What the worker of `jwtrot retire` tells the process that watches over it. */
export type Message =
  /** It asks a person: the time stops. */
  | { readonly type: 'asking' }
  /** The operator's deadline runs from now on. */
  | ({ readonly type: 'began' } & Incident)
  | { readonly type: 'progress'; readonly event: Progress }
  /** For standard output; only with `--json`. */
  | { readonly type: 'result'; readonly text: string }
  /** Everything is done and printed: only the exit is left. */
  | { readonly type: 'ended'; readonly exit: number };

/** What that process tells the worker. */
export interface Order {
  readonly type: 'interrupt';
  readonly by: Interruption;
}

/** The process that watches over this one: see supervise.ts. */
export interface Supervisor {
  tell(message: Message): void;
  /** Tells it, and resolves once the message was sent or can't be. */
  told(message: Message): Promise<void>;
  /** The deadline runs: this is an incident now, and a closed terminal does not end it. */
  began(incident: Incident): void;
}

/**
 * A worker has this mark and a channel. The channel alone proves nothing: another program may have started us with one.
 */
export const MARK = 'JWTROT_SUPERVISED';

/**
 * @param onInterrupt the supervisor was interrupted
 * @returns null: no process watches over this one
 */
export function supervisorOf(onInterrupt: (by: Interruption) => void): Supervisor | null {
  if (process.env[MARK] === undefined || process.send === undefined) return null;
  delete process.env[MARK];
  process.on('disconnect', follow);
  if (!process.connected) follow();
  process.on('message', (order: Order) => onInterrupt(order.by));
  const told = (message: Message) =>
    new Promise<void>((resolve) => {
      // Ignore errors: if the supervisor is gone, the end of the channel says so.
      if (process.connected) process.send?.(message, undefined, {}, () => resolve());
      else resolve();
    });
  return {
    told,
    tell: (message) => void told(message),
    began(incident) {
      process.on('SIGHUP', () => {});
      void told({ type: 'began', ...incident });
    },
  };
}

/**
 * Dies with the supervisor: a person who kills the command means all of it, and nobody else would end this process if it
 * hung. What was done stands, as after any SIGKILL. The next run goes on from there.
 */
function follow(): void {
  killRunningGroups();
  process.kill(process.pid, 'SIGKILL');
}
