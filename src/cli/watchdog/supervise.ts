import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Duration, SECOND } from '../../keyset/basics/clock.js';
import { descendantsOf, startTimeOf } from '../../outside/processes.js';
import type { Environment } from '../environment.js';
import { GRACE } from '../grace.js';
import { neverWaitFor } from '../leave.js';
import type { Output } from '../output/output.js';
import type { Verb } from '../verb.js';
import { MARK, type Message, type Order } from './supervised.js';
import { Unfinished } from './unfinished.js';
import { Wall } from './wall.js';

/*
 * A file operation that hangs (a dead NFS server, FUSE) can't be taken back. It occupies a thread of Node's pool for
 * good; four of them stop everything, and exit(3) waits for them. So `jwtrot retire` is two processes. The worker does
 * all the work. This one only waits, touches no file, and ends the worker when its time is over:
 *
 *   this process ── interrupt ──────────────────────────────> worker
 *                <── asking, began, progress, result, ended ──
 *                ── SIGKILL at the wall ────────────────────> worker and all its children
 */

/** docs/design.md, section 4: everything ends this long after the operator's deadline. */
const WALL: Duration = 10 * SECOND;
/** Time to end the worker and say so, in milliseconds. */
const LAST_WORDS: Duration = 1_000;
/** How long a worker has to disappear after its last word or its SIGKILL, in milliseconds. */
const TO_GO: Duration = 300;
/** Threads of the worker's pool: each hanging file occupies one. A thread costs 8 KiB; libuv allows 1,024. */
const THREADS = '128';

/** Exit codes of an interrupted run (docs/design.md, section 8). */
const INTERRUPTED: ReadonlyMap<number | null, NodeJS.Signals> = new Map([
  [130, 'SIGINT'],
  [143, 'SIGTERM'],
] as const);

interface Options {
  readonly deadline: Duration;
}

type Ending =
  | { readonly type: 'gone'; readonly code: number | null; readonly by: NodeJS.Signals | null }
  | { readonly type: 'unstarted' | 'done' | 'interrupted' | 'wall' };

/** `jwtrot retire` as a person starts it: a worker does the work, and this process makes sure that it ends. */
export const supervise: Verb<Options> = async (options, environment, output) => {
  neverWaitFor(environment.stdout);
  neverWaitFor(environment.stderr);
  const told = new Unfinished(options.deadline + WALL);
  const worker = startWorker(environment);
  if (worker === null) return alone(options, environment, output);
  const ending = await endingOf(worker, told, options, environment);
  if (ending.type === 'unstarted') return alone(options, environment, output);
  if (ending.type !== 'gone') await endWithChildren(worker);
  if (told.exit !== null) {
    if (told.result !== null) output.result(told.result);
    return told.exit;
  }
  await output.logAlso(`watched over process ${worker.pid}`);
  if (ending.type === 'wall') throw told.overTheWall(environment.argv);
  if (ending.type === 'gone' && ending.by !== null) throw told.endedBy(ending.by, environment.argv);
  if (environment.signal.aborted) throw environment.signal.reason;
  // A second signal ends a run at once: it says no more than its exit code does.
  const by = ending.type === 'gone' ? INTERRUPTED.get(ending.code) : undefined;
  if (by !== undefined) throw told.endedBy(by, environment.argv);
  throw new Error(`the process that did the work ended${ending.type === 'gone' ? ` with ${ending.code}` : ''}`);
};

function startWorker({ script, argv, env }: Environment): ChildProcess | null {
  try {
    return spawn(process.execPath, [...process.execArgv, script, ...argv], {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      env: { ...env, UV_THREADPOOL_SIZE: THREADS, [MARK]: '1' },
    });
  } catch {
    return null; // Node throws some of its errors; others come as an event
  }
}

/** If there is no memory for a second process, or no more are allowed, an incident goes on without it. */
async function alone(options: Options, environment: Environment, output: Output): Promise<number> {
  await output.logAlso('goes on without a second process');
  output.say('no second process could be started: if a file hangs, nobody ends this one', 'warning');
  const { retire } = await import('../work.js');
  return retire(options as Parameters<typeof retire>[0], environment, output);
}

/** Waits for the first of: the worker ends, or says how it ends; the wall; an interruption that the worker ignores. */
function endingOf(
  worker: ChildProcess,
  told: Unfinished,
  { deadline }: Options,
  { clock, signal }: Environment,
): Promise<Ending> {
  return new Promise((resolve) => {
    const wall = new Wall(clock, () => resolve({ type: 'wall' }));
    const most = deadline + WALL - LAST_WORDS;
    wall.set(most); // counts from the start of this process, where the monotonic clock begins
    let wasAsked = false;
    worker.on('message', (message: Message) => {
      if (message.type === 'asking') wall.clear();
      if (message.type === 'began') {
        process.on('SIGHUP', () => {}); // from now on a closed terminal does not end this process either
        if (wasAsked) wall.set(clock.monotonic() + most);
      }
      wasAsked ||= message.type === 'asking';
      told.hear(message);
      if (message.type === 'ended') setTimeout(() => resolve({ type: 'done' }), TO_GO);
    });
    worker.on('error', () => worker.pid === undefined && resolve({ type: 'unstarted' }));
    worker.once('close', (code, by) => resolve({ type: 'gone', code, by }));
    const onAbort = () => {
      pass(worker, { type: 'interrupt', by: signal.reason.by });
      setTimeout(() => resolve({ type: 'interrupted' }), GRACE - TO_GO);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

function pass(worker: ChildProcess, order: Order): void {
  if (worker.connected) worker.send(order, () => {});
}

/** Ends the worker and all its children, which have their own groups. Does not wait for a hang in the kernel. */
async function endWithChildren(worker: ChildProcess): Promise<void> {
  const { pid } = worker;
  if (pid === undefined || worker.exitCode !== null || worker.signalCode !== null) return;
  const gone = new Promise((resolve) => worker.once('exit', resolve));
  kill(pid, 'SIGSTOP'); // it starts nothing more
  const family = descendantsOf(pid).map((child) => ({ child, startTime: startTimeOf(child) }));
  kill(pid, 'SIGKILL');
  // A child that only reads the worker's last lines ends with it.
  await Promise.race([gone, sleep(TO_GO)]);
  for (const { child, startTime } of family) {
    if (startTime === null || startTimeOf(child) !== startTime) continue;
    kill(-child, 'SIGKILL'); // a command's group, with everything it has started since
    kill(child, 'SIGKILL');
  }
}

function kill(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended, or now runs as another user.
  }
}
