import { verifies } from '../../services/service.js';
import { type Answer, unconfirmed } from '../ask.js';
import { patience, type Run } from '../run.js';
import { writeOutlets } from './outlets.js';

/** Runs that have published once more. */
const published = new WeakSet<Run>();

/**
 * Asks, and where need be publishes and asks again. Nobody can see what a command has published: another run's command
 * may have ended later, or somebody else may have written there. A verifier that answers and reads something else shows
 * that. This happens once in a run; not in an incident, whose deadline bounds it; never from another history, which is
 * not published.
 */
export async function askTwice(run: Run, question: () => Promise<Answer[]>): Promise<Answer[]> {
  const answers = await question();
  const isBlind = run.context.outlets.publish.some((outlet) => outlet.type === 'command');
  const verifiers = run.context.services.filter((port) => verifies(port.service)).map((port) => port.service.name);
  const readsOther = unconfirmed(answers).some(({ answers: does, service }) => does && verifiers.includes(service));
  if (published.has(run) || !isBlind || !readsOther || patience(run, 0) !== null) return answers;
  if (run.ledger.history.other !== null) return answers;
  published.add(run);
  const text = 'a verifier reads another set than was published: publishing it once more';
  run.context.report({ type: 'note', keyset: run.context.name, level: 'warning', text });
  await writeOutlets(run, { type: 'write-outlets', kid: null, reason: 'outlets-differ' }, true);
  return run.blocked.has('outlets') ? answers : question();
}
