import { Readable } from 'node:stream';
import { printable } from '../../../src/cli/output/paint.js';
import { prepareProcess } from '../../../src/cli/prepare-process.js';
import { runCli } from '../../../src/cli/program.js';
import type { Message, Supervisor } from '../../../src/cli/watchdog/supervised.js';
import { killRunningGroups } from '../../../src/outside/process-group.js';
import { systemClock } from '../../../src/outside/system-clock.js';
import type { Done, Job } from './job.js';

/*
 * A process that runs one command after another, for the tests alone: starting Node and loading jwtrot takes several
 * times as long as most commands. It ends when the process that started it does. What differs from a process of its own: a lease that
 * a command could not give back is still held, since this process lives; it collects no garbage after a use of a key
 * (`setup.ts`); and jwtrot does not lie where it is installed.
 * Such a test asks for `World.eachAProcess`.
 */

/** As bin/jwtrot.js does it. */
process.on('SIGUSR1', () => {});
process.removeAllListeners('warning');

process.on('disconnect', () => process.exit());
process.on('message', (job: Job) => void run(job).then((done) => process.send?.(done)));

async function run({ args, script, env, folder, stdin }: Job): Promise<Done> {
  process.chdir(folder);
  process.umask(0o022);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  prepareProcess();
  const began = systemClock.monotonic();
  const stdout = new Text();
  const stderr = new Text();
  const code = await runCli(args, {
    argv: args,
    script,
    env: process.env,
    uid: process.getuid?.() ?? -1,
    home: env['HOME'] ?? '',
    stdout,
    stderr,
    stdin: Readable.from(stdin === '' ? [] : [Buffer.from(stdin, 'base64')]) as unknown as NodeJS.ReadStream,
    // A run counts from the start of its process.
    clock: { ...systemClock, monotonic: () => systemClock.monotonic() - began },
    signal: new AbortController().signal,
    supervisor: args[0] === 'retire' ? supervisorFor(stdout) : null,
  });
  killRunningGroups();
  return { code, stdout: stdout.text, stderr: stderr.text, isClean: await isClean() };
}

/** @returns false: a file operation, a connection or a timer of the command is still there */
async function isClean(): Promise<boolean> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    if (process.getActiveResourcesInfo().every((name) => name === 'PipeWrap')) return true;
  }
  return false;
}

/** `retire` prints its document by its supervisor. None watches over this process: what hangs, the test ends. */
function supervisorFor(stdout: Text): Supervisor {
  const tell = (message: Message) => {
    if (message.type === 'result') stdout.write(`${printable(message.text)}\n`);
  };
  return { tell, told: async (message) => tell(message), began: () => {} };
}

class Text {
  text = '';

  write(text: string): void {
    this.text += text;
  }
}
