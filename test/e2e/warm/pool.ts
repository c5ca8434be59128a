import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Done, Job } from './job.js';

/** `runner.ts` in one file, made by `setup.ts`. */
const RUNNER = fileURLToPath(new URL('../../../node_modules/.cache/jwtrot/runner.cjs', import.meta.url));

/** Runners that wait for a command. */
const idle: ChildProcess[] = [];

export interface WarmRun {
  readonly child: ChildProcess;
  /** Null: the runner was ended amid it. */
  readonly done: Promise<Done | null>;
}

/** Runs one command in a process that has run others before. Each process runs one at a time. */
export function runWarm(job: Job): WarmRun {
  const child = idle.pop() ?? start();
  const done = new Promise<Done | null>((resolve) => {
    const ended = () => resolve(null);
    child.once('exit', ended);
    child.once('message', (answer: Done) => {
      child.off('exit', ended);
      // What a run leaves behind (a call that it gave up on) would end with its process: so it does.
      if (answer.isClean) idle.push(child);
      else child.kill('SIGKILL');
      resolve(answer);
    });
    child.send(job);
  });
  return { child, done };
}

function start(): ChildProcess {
  const child = fork(RUNNER, [], {
    env: { UV_THREADPOOL_SIZE: '128' },
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  // It does not keep this process from ending.
  child.unref();
  child.channel?.unref();
  child.once('exit', () => {
    const at = idle.indexOf(child);
    if (at >= 0) idle.splice(at, 1);
  });
  return child;
}
