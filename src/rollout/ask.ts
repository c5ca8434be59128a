import type { Duration } from '../keyset/clock.js';
import { quoteOutside } from '../keyset/outside-text.js';
import { awaitConfirmation } from '../services/await.js';
import { type Instance, type ServicePort, signs } from '../services/service.js';
import type { Wanted } from '../services/wanted.js';
import { reloadEffectTime, serviceTime } from './limit.js';
import { type Run, timeFor } from './run.js';

/** What is asked of services. */
export interface Question {
  readonly services: readonly ServicePort[];
  readonly wanted: Wanted;
  /** `needed`: those that do not report it yet. `always`: all (what is delivered to them changed). */
  readonly reload: 'needed' | 'always' | 'never';
  /** Null: each service's own deadline; else until then, whatever the service's own. */
  readonly until: number | null;
}

/** One instance's answer. */
export interface Answer {
  readonly service: string;
  readonly instance: string;
  readonly confirmed: boolean;
  /** It answered before its reload and does not any more. */
  readonly broke: boolean;
  readonly reason: string | null;
  readonly hint: string | null;
}

/** Reloads and polls all instances of all services at once. Every answer must be a confirmation; none found is none. */
export async function ask(run: Run, question: Question): Promise<Answer[]> {
  const answers = await Promise.all(question.services.map((port) => askService(run, port, question)));
  run.context.signal.throwIfAborted();
  return answers.flat();
}

export function unconfirmed(answers: readonly Answer[]): Answer[] {
  return answers.filter((answer) => !answer.confirmed);
}

/** `gateway/a: connection refused; gateway/b: …`, one line. */
export function describe(answers: readonly Answer[]): string {
  return answers
    .map(({ service, instance, reason }) => {
      const name = instance === service ? service : `${service}/${quoteOutside(instance).slice(1, -1)}`;
      return `${name}: ${reason ?? 'no answer'}`;
    })
    .join('; ');
}

async function askService(run: Run, port: ServicePort, question: Question): Promise<Answer[]> {
  const { name } = port.service;
  const missing = (reason: string, hint: string | null): Answer[] => [
    { service: name, instance: name, confirmed: false, broke: false, reason, hint },
  ];
  let instances: readonly Instance[];
  try {
    instances = await port.listInstances(run.context.signal);
  } catch (error) {
    return missing(error instanceof Error ? error.message : String(error), null);
  }
  if (instances.length === 0) return missing('no instance was found', 'check its instances in the configuration');
  const deadline = timeFor(run, serviceTime(port.service), question.until);
  const tracked = trackReloads(run, port);
  return port.service.health === null
    ? reloadUnpolled(run, tracked, instances, question, deadline)
    : poll(run, tracked, instances, question, deadline);
}

/** A signer's reload may bring what it read into force until its time limit is over: `signedUntil` is not before that. */
function trackReloads(run: Run, port: ServicePort): ServicePort {
  if (!signs(port.service)) return port;
  return {
    ...port,
    reload: (instance, signal) => {
      run.ledger.reloadOrdered(run.context.clock.now() + reloadEffectTime(port.service));
      return port.reload(instance, signal);
    },
  };
}

async function poll(
  run: Run,
  port: ServicePort,
  instances: readonly Instance[],
  { wanted, reload }: Question,
  deadline: Duration,
): Promise<Answer[]> {
  const { clock, random, signal, report, name } = run.context;
  const reloadable = reload !== 'never' && port.service.reload.type !== 'none';
  const outcomes = await awaitConfirmation({
    service: port,
    instances,
    wanted,
    clock,
    random,
    signal,
    deadline,
    reloadWhen: reloadable ? reload : 'never',
    reloadAgain: reloadable,
    onEvent: (event) =>
      report({
        type: 'instance',
        keyset: name,
        service: event.service,
        instance: event.instance,
        state: event.state,
        reason: event.reason ?? null,
      }),
  });
  return outcomes.map((outcome) => ({
    service: port.service.name,
    instance: outcome.instance.name,
    confirmed: outcome.confirmed,
    broke: outcome.answeredBefore && !outcome.answers,
    reason: outcome.reason,
    hint: outcome.reloadHint,
  }));
}

/** Nobody can see what an unpolled service does; that its reload was carried out is all there is. */
async function reloadUnpolled(
  run: Run,
  port: ServicePort,
  instances: readonly Instance[],
  question: Question,
  deadline: Duration,
): Promise<Answer[]> {
  const service = port.service.name;
  if (question.reload === 'never' || port.service.reload.type === 'none') return [];
  const limit = new AbortController();
  const watch = run.context.clock.sleep(deadline, AbortSignal.any([limit.signal, run.context.signal])).then(
    () => limit.abort(),
    () => undefined,
  );
  const answers = await Promise.all(
    instances.map(async (instance): Promise<Answer> => {
      const result = await port.reload(instance, AbortSignal.any([limit.signal, run.context.signal]));
      const failure = result.ok ? null : result;
      return {
        service,
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
