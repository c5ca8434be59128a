import type { Duration } from '../keyset/clock.js';
import { type Awaiting, awaitConfirmation, type InstanceOutcome, lookFirst } from '../services/await.js';
import { type Instance, type ServicePort, serviceTime } from '../services/service.js';

import type { Answer, Question, ReloadWhen } from './question.js';
import { type Run, timeFor } from './run.js';

/** One instance that is asked. */
export interface Member {
  readonly port: ServicePort;
  readonly instance: Instance;
  readonly reload: ReloadWhen;
}

export type Answers = ReadonlyMap<Member, Answer>;

/** Reloads and polls these, all at once. No answer of one that is neither reloaded nor polled: there is nothing to see. */
export function confirm(run: Run, members: readonly Member[], question: Question): Promise<Answers> {
  return alike(members, (some, { port, reload }) => {
    const deadline = timeFor(run, serviceTime(port.service), question.until);
    return port.service.health === null
      ? reloadUnpolled(run, some, deadline)
      : poll(awaiting(run, port, reload, question, deadline), some, question);
  });
}

/** Those of them that confirm without a reload. */
export function confirmedAlready(run: Run, members: readonly Member[], question: Question): Promise<Answers> {
  const unsure = members.filter(({ port, reload }) => reload === 'needed' && port.service.health !== null);
  return alike(unsure, async (some, { port, reload }) => {
    const deadline = timeFor(run, serviceTime(port.service), question.until);
    const asked = awaiting(run, port, reload, question, deadline);
    const outcomes = await lookFirst({ ...asked, instances: some.map((member) => member.instance) });
    return outcomes.map((outcome) => (outcome === null ? null : answerOf(port, outcome, question)));
  });
}

/** Asks those of one service that are to be reloaded alike together, all services at the same time. */
async function alike(
  members: readonly Member[],
  work: (some: readonly Member[], first: Member) => Promise<readonly (Answer | null)[]>,
): Promise<Answers> {
  const groups: { first: Member; some: Member[] }[] = [];
  for (const member of members) {
    const group = groups.find(({ first }) => first.port === member.port && first.reload === member.reload);
    if (group === undefined) groups.push({ first: member, some: [member] });
    else group.some.push(member);
  }
  const answers = new Map<Member, Answer>();
  await Promise.all(
    groups.map(async ({ first, some }) => {
      const found = await work(some, first);
      for (const [i, member] of some.entries()) {
        const answer = found[i] ?? null;
        if (answer !== null) answers.set(member, answer);
      }
    }),
  );
  return answers;
}

function awaiting(
  run: Run,
  port: ServicePort,
  reload: ReloadWhen,
  { wanted }: Question,
  deadline: Duration,
): Omit<Awaiting, 'instances'> {
  const { clock, random, signal, report, name } = run.context;
  return {
    service: port,
    wanted,
    clock,
    random,
    signal,
    deadline,
    reloadWhen: reload,
    reloadAgain: reload !== 'never',
    onEvent: ({ service, instance, state, reason = null }) =>
      report({ type: 'instance', keyset: name, service, instance, state, reason }),
  };
}

async function poll(
  asked: Omit<Awaiting, 'instances'>,
  members: readonly Member[],
  question: Question,
): Promise<Answer[]> {
  const outcomes = await awaitConfirmation({ ...asked, instances: members.map((member) => member.instance) });
  return outcomes.map((outcome) => answerOf(asked.service, outcome, question));
}

function answerOf({ service }: ServicePort, outcome: InstanceOutcome, { answeredEarlier = false }: Question): Answer {
  return {
    service: service.name,
    instance: outcome.instance.name,
    confirmed: outcome.confirmed,
    broke: (answeredEarlier || outcome.answeredBefore) && !outcome.answers,
    answers: outcome.answers,
    reason: outcome.reason,
    hint: outcome.reloadHint,
  };
}

/** Nobody can see what an unpolled service does; that its reload was carried out is all there is. */
async function reloadUnpolled(
  run: Run,
  members: readonly Member[],
  deadline: Duration,
): Promise<readonly (Answer | null)[]> {
  const limit = new AbortController();
  const watch = run.context.clock.sleep(deadline, AbortSignal.any([limit.signal, run.context.signal])).then(
    () => limit.abort(),
    () => undefined,
  );
  const answers = await Promise.all(
    members.map(async ({ port, instance, reload }): Promise<Answer | null> => {
      if (reload === 'never') return null;
      const result = await port.reload(instance, AbortSignal.any([limit.signal, run.context.signal]));
      const failure = result.ok ? null : result;
      return {
        service: port.service.name,
        instance: instance.name,
        confirmed: result.ok,
        broke: false,
        reason: failure === null ? null : `reload failed: ${failure.reason}`,
        hint: failure?.hint ?? null,
      };
    }),
  );
  limit.abort();
  await watch;
  return answers;
}
