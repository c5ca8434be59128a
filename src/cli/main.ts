import { EXIT } from '../keyset/basics/error.js';
import { processEnvironment } from './environment.js';
import { leave } from './leave.js';
import { prepareProcess } from './prepare-process.js';
import { runCli } from './program.js';

prepareProcess();
// If Node runs out of work before the end is reached, it exits with this: that is not success.
process.exitCode = EXIT.unforeseen;

async function main(): Promise<void> {
  const environment = processEnvironment();
  const exit = await runCli(environment.argv, environment);
  await environment.supervisor?.told({ type: 'ended', exit });
  const { stdout, stderr, signal, supervisor } = environment;
  await leave(exit, { stdout, stderr, isUrgent: signal.aborted || supervisor !== null });
}

void main();
