import type { Instant } from '../keyset/clock.js';
import { incidentDeadline } from '../keyset/incident.js';
import { reloadEffectTime, type ServicePort, signs } from '../services/service.js';
import type { Wanted } from '../services/wanted.js';
import { type Answers, confirm, type Member } from './confirm.js';

import type { Answer, Question, ReloadWhen } from './question.js';
import { noteReturned } from './returned.js';
import type { Run } from './run.js';
import { inWaves } from './waves.js';

export { describe, unconfirmed } from './describe.js';
export type { Answer, Question } from './question.js';

/** Reloads and polls the instances of these services. Every answer must be a confirmation; none found is none. */
export async function ask(run: Run, question: Question): Promise<Answer[]> {
  const { services } = question;
  if (question.reload !== 'never') await noteReturned(run, services);
  const shareWaves = run.context.policy.rollout.batch !== 'all' && !isAtOnce(run, question);
  // Else they go on side by side: none waits for another one's look-up, nor for its deadline.
  const groups = shareWaves ? [services] : services.map((port) => [port]);
  const answers = await Promise.all(groups.map((ports) => askTogether(run, ports, question)));
  run.context.signal.throwIfAborted();
  return answers.flat();
}

/** How old an answer may be. */
const FRESH = 1_000;
/** The least time that the last look is given: everyone has confirmed a moment ago. */
const LAST_LOOK = 10_000;

/**
 * Some had to be waited for, so what the first of them said is old by now: those that are polled are looked at once more,
 * without a reload. No answers where what was said since `began` is fresh.
 * @param began monotonic, in milliseconds
 * @param by an incident's deadline, which bounds this too; null: none
 */
export async function lookOnceMore(
  run: Run,
  began: number,
  services: readonly ServicePort[],
  wanted: Wanted,
  by: Instant | null,
): Promise<Answer[]> {
  const { clock } = run.context;
  const took = clock.monotonic() - began;
  if (took <= FRESH) return [];
  const polled = services.filter((port) => port.service.health !== null);
  // Many answers in a row, or of many workers, take their time.
  const until = Math.min(clock.now() + Math.max(LAST_LOOK, took), by ?? Number.POSITIVE_INFINITY);
  return ask(run, { services: polled, wanted, reload: 'never', until });
}

function isAtOnce({ ledger }: Run, { pace, until }: Question): boolean {
  return pace === 'at-once' || until !== null || incidentDeadline(ledger.manifest) !== null;
}

async function askTogether(run: Run, ports: readonly ServicePort[], question: Question): Promise<Answer[]> {
  const found = await Promise.all(ports.map((port) => membersOf(run, port, question)));
  const members = found.flatMap((one) => ('members' in one ? one.members : []));
  const answers = await askAll(run, members, question);
  return found.flatMap((one) =>
    'fault' in one ? [one.fault] : one.members.map((member) => answers.get(member) ?? null).filter((a) => a !== null),
  );
}

/** Whoever is not going to be reloaded takes no place in a wave. */
async function askAll(run: Run, members: readonly Member[], question: Question): Promise<Answers> {
  if (isAtOnce(run, question)) return confirm(run, members, question);
  const left = members.filter(({ reload }) => reload === 'never');
  const reloaded = members.filter(({ reload }) => reload !== 'never');
  const [some, others] = await Promise.all([
    confirm(run, left, question),
    inWaves(run, reloaded, question, run.context.policy.rollout.batch),
  ]);
  return new Map([...some, ...others]);
}

async function membersOf(
  run: Run,
  port: ServicePort,
  { reload }: Question,
): Promise<{ readonly members: readonly Member[] } | { readonly fault: Answer }> {
  const { name } = port.service;
  const fault = (reason: string, hint: string | null) => ({
    fault: { service: name, instance: name, confirmed: false, broke: false, reason, hint },
  });
  try {
    const instances = await port.listInstances(run.context.signal);
    if (instances.length === 0) return fault('no instance was found', 'check its instances in the configuration');
    const tracked = trackReloads(run, port);
    const when = (instance: string): ReloadWhen => {
      if (port.service.reload.type === 'none') return 'never';
      return typeof reload === 'function' ? reload(name, instance) : reload;
    };
    return { members: instances.map((instance) => ({ port: tracked, instance, reload: when(instance.name) })) };
  } catch (error) {
    return fault(error instanceof Error ? error.message : String(error), null);
  }
}

/** A signer's reload may bring what it read into force until its time limit is over: `signedUntil` is not before that. */
function trackReloads(run: Run, port: ServicePort): ServicePort {
  if (!signs(port.service)) return port;
  return {
    ...port,
    reload: (instance, signal) => {
      run.ledger.reloadOrdered(run.context.clock.now() + reloadEffectTime(port.service));
      run.switched?.add(memberName(port.service.name, instance.name));
      return port.reload(instance, signal);
    },
  };
}

/** No name of a service or an instance holds a slash. */
export function memberName(service: string, instance: string): string {
  return `${service}/${instance}`;
}
