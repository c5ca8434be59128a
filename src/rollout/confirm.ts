import { setMaxListeners } from 'node:events';
import type { Duration } from '../keyset/basics/clock.js';
import { type Awaiting, awaitConfirmation, type InstanceOutcome, pollFirst } from '../services/await.js';
import { type Instance, reloadInTurn, type ServicePort, serviceTime } from '../services/service.js';
import type { Answer, Question, ReloadWhen } from './question.js';
import { type Run, timeFor } from './run.js';

/** One instance that is asked. */
export interface Member {
  readonly port: ServicePort;
  readonly instance: Instance;
  readonly reload: ReloadWhen;
}

export type Answers = ReadonlyMap<Member, Answer>;

/** Reloads and polls these, all at once. An instance that is neither reloaded nor polled gives no answer. */
export function confirm(run: Run, members: readonly Member[], question: Question): Promise<Answers> {
  return alike(members, (some, first) =>
    first.port.service.health === null
      ? reloadUnpolled(run, some, deadlineOf(run, first, question))
      : poll(awaiting(run, first, question), some, question),
  );
}

/** The answers of members that confirm without a reload. */
export function confirmedAlready(run: Run, members: readonly Member[], question: Question): Promise<Answers> {
  const unsure = members.filter(({ port, reload }) => reload === 'needed' && port.service.health !== null);
  return alike(unsure, async (some, first) => {
    const asked = awaiting(run, first, question);
    const outcomes = await pollFirst({ ...asked, instances: some.map((member) => member.instance) });
    return outcomes.map((outcome) => (outcome === null ? null : answerOf(first.port, outcome, question)));
  });
}

/** Asks members in groups (one service, one rule for reloads), all groups at the same time. */
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

function deadlineOf(run: Run, { port }: Member, { until }: Question): Duration {
  return timeFor(run, serviceTime(port.service), until);
}

function awaiting(run: Run, member: Member, question: Question): Omit<Awaiting, 'instances'> {
  const { port, reload } = member;
  const { wanted, isOnceMore } = question;
  const { clock, random, signal, report, name } = run.context;
  const told = new Set<string>();
  return {
    service: port,
    wanted,
    clock,
    random,
    signal,
    deadline: deadlineOf(run, member, question),
    reloadWhen: reload,
    reloadAgain: reload !== 'never',
    isOnceMore: isOnceMore === true,
    onEvent: ({ service, instance, state, reason = null }) => {
      const isNews = told.has(instance) || (state !== 'confirmed' && (state !== 'awaited' || reason !== null));
      if (isOnceMore && !isNews) return;
      told.add(instance);
      report({ type: 'instance', keyset: name, service, instance, state, reason });
    },
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

const NOT_DONE = { ok: false, reason: 'not done before the deadline', hint: null } as const;

/** An unpolled service shows nothing, so a reload that was carried out counts as its confirmation. */
async function reloadUnpolled(
  run: Run,
  members: readonly Member[],
  deadline: Duration,
): Promise<readonly (Answer | null)[]> {
  const limit = new AbortController();
  const over = AbortSignal.any([limit.signal, run.context.signal]);
  setMaxListeners(0, over); // each instance listens
  const watch = run.context.clock.sleep(deadline, over).then(
    () => limit.abort(),
    () => undefined,
  );
  const answers = await Promise.all(
    members.map(async ({ port, instance, reload }): Promise<Answer | null> => {
      if (reload === 'never') return null;
      const result = await reloadInTurn(port, instance, over).catch((error: unknown) => {
        if (over.aborted) return NOT_DONE; // before its turn came
        throw error;
      });
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
