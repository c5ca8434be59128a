import type { Instant } from '../keyset/basics/clock.js';
import { incidentDeadline } from '../keyset/questions/incidents.js';
import { FLAW_HINT } from '../services/instance-rules.js';
import { type Instance, reloadEffectTime, type ServicePort, signs } from '../services/service.js';
import { type Answers, confirm, type Member } from './confirm.js';
import type { Answer, Question, ReloadWhen } from './question.js';
import { noteReturned } from './returned.js';
import type { Run } from './run.js';
import { inWaves } from './waves.js';

export { describe, hintOf, unconfirmed } from './describe.js';
export type { Answer, Question } from './question.js';

/** Reloads and polls the instances of these services. Every answer must confirm; no instance is no confirmation. */
export async function ask(run: Run, question: Question): Promise<Answer[]> {
  const { services } = question;
  if (question.reload !== 'never') await noteReturned(run, services);
  const shareWaves = run.context.policy.rollout.batch !== 'all' && !isAtOnce(run, question);
  // Otherwise services go on side by side: none waits for another one's listing or deadline.
  const groups = shareWaves ? [services] : services.map((port) => [port]);
  const answers = await Promise.all(groups.map((ports) => askTogether(run, ports, question)));
  run.context.signal.throwIfAborted();
  return answers.flat();
}

/** How old an answer may be. */
const FRESH = 1_000;
/** The least time for the last look: all have confirmed a moment ago. */
const LAST_RECHECK = 10_000;

/**
 * Polls once more, without a reload: while the last instances were waited for, the first answers have grown old.
 * @returns no answers if those since `began` are fresh
 * @param began monotonic, in milliseconds
 * @param by an incident's deadline, which bounds this too; null: none
 */
export async function recheck(
  run: Run,
  began: number,
  { services, wanted }: Pick<Question, 'services' | 'wanted'>,
  by: Instant | null,
): Promise<Answer[]> {
  const { clock } = run.context;
  const took = clock.monotonic() - began;
  if (took <= FRESH) return [];
  const polled = services.filter((port) => port.service.health !== null);
  // Many answers in a row, or answers of many workers, take time.
  const until = Math.min(clock.now() + Math.max(LAST_RECHECK, took), by ?? Number.POSITIVE_INFINITY);
  return ask(run, { services: polled, wanted, reload: 'never', until, isOnceMore: true });
}

function isAtOnce({ ledger }: Run, { pace, until }: Question): boolean {
  return pace === 'at-once' || until !== null || incidentDeadline(ledger.manifest) !== null;
}

async function askTogether(run: Run, ports: readonly ServicePort[], question: Question): Promise<Answer[]> {
  const found = await Promise.all(ports.map((port) => membersOf(run, port, question)));
  const members = found.flatMap((one) => one.members);
  const { report, name } = run.context;
  const instances = members.map(({ port, instance }) => ({ service: port.service.name, instance: instance.name }));
  if (!question.isOnceMore) report({ type: 'asked', keyset: name, instances });
  const answers = await askAll(run, members, question);
  return found.flatMap(({ members: some, faults }) => [
    ...some.map((member) => answers.get(member) ?? null).filter((a) => a !== null),
    ...faults,
  ]);
}

/** An instance that is not reloaded takes no place in a wave. */
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

interface Found {
  readonly members: readonly Member[];
  /** Answers for instances that can't be asked. Nothing waits for those. */
  readonly faults: readonly Answer[];
}

async function membersOf(run: Run, port: ServicePort, { reload, until }: Question): Promise<Found> {
  const { name } = port.service;
  const fault = (reason: string, hint: string | null, instance = name): Answer => {
    return { service: name, instance, confirmed: false, broke: false, reason, hint };
  };
  try {
    const instances = await listed(run, port, until);
    if (instances.length === 0)
      return { members: [], faults: [fault('no instance was found', 'check its instances in the configuration')] };
    const tracked = trackReloads(run, starting(run, port));
    const when = (instance: string): ReloadWhen => {
      if (port.service.reload.type === 'none') return 'never';
      return typeof reload === 'function' ? reload(name, instance) : reload;
    };
    const sound = instances.filter(({ flaw }) => flaw === undefined);
    return {
      members: sound.map((instance) => ({ port: tracked, instance, reload: when(instance.name) })),
      faults: instances.flatMap(({ name: instance, flaw }) =>
        flaw === undefined ? [] : [fault(flaw, FLAW_HINT, instance)],
      ),
    };
  } catch (error) {
    return { members: [], faults: [fault(error instanceof Error ? error.message : String(error), null)] };
  }
}

/** Until a keyset's first key is in use, a service that needs its key file or the JWKS can't run: a reload starts it. */
function starting(run: Run, port: ServicePort): ServicePort {
  return { ...port, reload: (instance, signal) => port.reload(instance, signal, { startIfStopped: isFirst(run) }) };
}

function isFirst({ ledger: { manifest } }: Run): boolean {
  if (manifest === null) return false;
  const { keys, rollout } = manifest;
  return rollout !== null && keys.every((key) => key.kid === rollout.kid || key.activatedAt === null);
}

/** In an incident, listing instances may not take longer than asking them. */
async function listed(run: Run, port: ServicePort, until: Instant | null): Promise<readonly Instance[]> {
  const { clock, signal } = run.context;
  const listing = port.listInstances(signal);
  if (until === null) return listing;
  listing.catch(() => {});
  const done = new AbortController();
  const late = clock.sleep(Math.max(0, until - clock.now()), done.signal).then(
    () => {
      throw new Error('its instances were not listed in time');
    },
    () => listing,
  );
  try {
    return await Promise.race([listing, late]);
  } finally {
    done.abort();
  }
}

/** A signer's reload may put the key that it read to use until its time limit ends. `signedUntil` is no earlier. */
function trackReloads(run: Run, port: ServicePort): ServicePort {
  if (!signs(port.service)) return port;
  return {
    ...port,
    reload: (instance, signal) => {
      run.ledger.tenure.reloadOrdered(run.context.clock.now() + reloadEffectTime(port.service));
      run.switched?.add(memberName(port.service.name, instance.name));
      return port.reload(instance, signal);
    },
  };
}

/** No name of a service or an instance holds a slash. */
export function memberName(service: string, instance: string): string {
  return `${service}/${instance}`;
}
