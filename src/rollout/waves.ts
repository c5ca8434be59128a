import type { Batch } from '../keyset/basics/policy.js';
import { serviceTime } from '../services/service.js';
import { planWaves, type Queue } from './batches.js';
import { type Answers, confirm, confirmedAlready, type Member } from './confirm.js';
import { describe } from './describe.js';
import type { Answer, Question } from './question.js';
import { type Run, timeFor } from './run.js';

const STOPPED = { reason: 'not reloaded: the wave before it did not confirm', hint: null };
const NO_TIME = {
  reason: 'not reloaded: too little is left of this run’s time',
  hint: 'the next run goes on; where it is always too little, raise rollout.batch',
};

/**
 * Reloads wave after wave: the next begins when every instance of the one before has confirmed. An instance that
 * confirms without a reload takes no place in a wave. One that is not reached does not confirm.
 * @param most the size of a wave, over all these services
 */
export async function inWaves(run: Run, members: readonly Member[], question: Question, most: Batch): Promise<Answers> {
  const isOne = planWaves(queuesOf(members), most).length <= 1;
  const answers = new Map(isOne ? [] : await confirmedAlready(run, members, question));
  const left = members.filter((member) => !answers.has(member));
  const waves = planWaves(queuesOf(left), most);
  reportWaiting(run, waves);
  for (const [i, wave] of waves.entries()) {
    run.context.signal.throwIfAborted();
    if (!hasTimeFor(run, wave)) return join(answers, unreached(run, waves.slice(i), NO_TIME));
    if (waves.length > 1) reportWave(run, wave, i + 1, waves);
    const found = await confirm(run, wave, question);
    join(answers, found);
    const failed = [...found.values()].some((answer) => !answer.confirmed);
    if (failed && question.pace !== 'every-wave') return join(answers, unreached(run, waves.slice(i + 1), STOPPED));
  }
  return answers;
}

function join(answers: Map<Member, Answer>, more: Answers): Answers {
  for (const [member, answer] of more) answers.set(member, answer);
  return answers;
}

function queuesOf(members: readonly Member[]): Queue<Member>[] {
  const ports = [...new Set(members.map((member) => member.port))];
  return ports.map((port) => ({
    batch: port.service.rollout.batch,
    items: members.filter((member) => member.port === port),
  }));
}

/** The lease must cover all the time in which the reloads of a wave may take effect. */
function hasTimeFor(run: Run, wave: readonly Member[]): boolean {
  const longest = Math.max(0, ...wave.map(({ port }) => serviceTime(port.service)));
  return timeFor(run, longest) >= longest;
}

function unreached(
  run: Run,
  waves: readonly (readonly Member[])[],
  why: { readonly reason: string; readonly hint: string | null },
): Answers {
  const members = waves.flat();
  if (members.length === 0) return new Map();
  const { report, name } = run.context;
  const answers = members.map(
    (member) => [member, { ...namedAs(member), confirmed: false, broke: false, ...why }] as const,
  );
  const text = describe(answers.map(([, answer]) => answer));
  report({ type: 'note', keyset: name, level: 'warning', text });
  return new Map(answers);
}

function namedAs({ port, instance }: Member): { service: string; instance: string } {
  return { service: port.service.name, instance: instance.name };
}

/** Shows polled instances of later waves as waiting. An unpolled one would seem to wait for ever. */
function reportWaiting({ context: { report, name } }: Run, waves: readonly (readonly Member[])[]): void {
  for (const [i, wave] of waves.entries()) {
    const waiting = i === 0 ? [] : wave.filter(({ port }) => port.service.health !== null);
    const reason = `wave ${i + 1} of ${waves.length}`;
    for (const member of waiting) {
      report({ type: 'instance', keyset: name, ...namedAs(member), state: 'waiting', reason });
    }
  }
}

function reportWave(
  { context }: Run,
  wave: readonly Member[],
  number: number,
  all: readonly (readonly Member[])[],
): void {
  const services = [...new Set(all.flat().map(({ port }) => port.service.name))];
  context.report({
    type: 'wave',
    keyset: context.name,
    service: services.length === 1 ? (services[0] ?? null) : null,
    number,
    of: all.length,
    instances: wave.map(namedAs),
  });
}
