import { verifies } from '../../services/service.js';
import { type Answer, unconfirmed } from '../ask.js';
import { patience, type Run } from '../run.js';
import { writeOutlets } from './outlets.js';

/**
 * What a command has published can't be seen: another run's may have ended later than this one's, or somebody else has
 * written there. A verifier that answers and still reads something else shows it: commands are run once more, and the
 * question is put again. Once in a run; not in an incident, whose deadline bounds it.
 */
export async function askTwice(run: Run, question: () => Promise<Answer[]>): Promise<Answer[]> {
  const answers = await question();
  const isBlind = run.context.outlets.publish.some((outlet) => outlet.type === 'command');
  const verifiers = run.context.services.filter((port) => verifies(port.service)).map((port) => port.service.name);
  const readsOther = unconfirmed(answers).some(({ answers: does, service }) => does && verifiers.includes(service));
  if (run.publishedAgain || !isBlind || !readsOther || patience(run, 0) !== null) return answers;
  run.publishedAgain = true;
  const text = 'a verifier reads another set than was published: publishing it once more';
  run.context.report({ type: 'note', keyset: run.context.name, level: 'warning', text });
  await writeOutlets(run, true);
  return run.blocked.has('outlets') ? answers : question();
}
