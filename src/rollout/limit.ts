import type { Request } from '../keyset/action.js';
import { type Duration, MINUTE } from '../keyset/clock.js';
import type { Batch } from '../keyset/policy.js';
import type { PublishOutlet } from '../outlets/outlet.js';
import { type Service, serviceTime, signs, verifies } from '../services/service.js';
import { planWaves } from './batches.js';
import type { KeysetContext } from './context.js';

/** Store and KMS calls of a run, each of them bounded by its adapter. */
const STORE_TIME = 3 * MINUTE;
/** How long an outlet's URL may take to serve what was written. */
export const READ_BACK_DEADLINE = 2 * MINUTE;

/** How long writing and reading back one outlet may take. */
export function outletTime(outlet: PublishOutlet): Duration {
  return (outlet.type === 'command' ? outlet.timeout : 0) + (outlet.url === null ? 0 : READ_BACK_DEADLINE);
}

function longest(times: readonly Duration[]): Duration {
  return times.reduce((most, time) => Math.max(most, time), 0);
}

/** Instances that a name or a command finds are not known beforehand: so many waves of them have room. */
const ASSUMED_WAVES = 16;

/** How long all these services may take: side by side, or in waves of `batch` together. */
function phaseTime(services: readonly Service[], batch: Batch): Duration {
  if (batch === 'all') return longest(services.map((service) => wavesTime([service], 'all')));
  return wavesTime(services, batch);
}

function wavesTime(services: readonly Service[], most: Batch): Duration {
  const queues = services.map((service) => ({ batch: service.rollout.batch, items: instancesOf(service, most) }));
  const waves = planWaves(queues, most).length;
  const time = longest(services.map(serviceTime));
  // Before several waves there is a look at who needs no reload, for a third of the deadline.
  return waves > 1 ? waves * time + Math.ceil(time / 3) : time;
}

function instancesOf({ instances, rollout }: Service, most: Batch): unknown[] {
  if (instances === null) return [null];
  if (instances.type === 'list') return [...instances.instances];
  const batches = [rollout.batch, most].filter((batch) => typeof batch === 'number');
  return Array.from({ length: ASSUMED_WAVES * (batches.length === 0 ? 1 : Math.min(...batches)) });
}

/** What there is to wait for. */
export interface RunLimited {
  readonly policy: Pick<KeysetContext['policy'], 'rollout'>;
  readonly services: readonly Pick<KeysetContext['services'][number], 'service'>[];
  readonly outlets: Pick<KeysetContext['outlets'], 'publish'>;
}

/**
 * The run's own time limit: the sum of the deadlines of everything it may have to wait for. Verifiers: a refresh, the
 * gate twice, the drop, the second look. Signers: a refresh, the switch, the way back. Outlets: before each of them. Where
 * commands publish, one of all this twice.
 */
export function runLimit(context: RunLimited, request: Request): Duration {
  const services = context.services.map((port) => port.service);
  const { batch } = context.policy.rollout;
  const verifiers = phaseTime(services.filter(verifies), batch);
  const signers = phaseTime(services.filter(signs), batch);
  const outlets = longest(context.outlets.publish.map(outletTime));
  const again = context.outlets.publish.some((outlet) => outlet.type === 'command') ? verifiers + outlets : 0;
  return STORE_TIME + 5 * verifiers + 3 * signers + 4 * outlets + again + 2 * (request.retire?.deadline ?? 0);
}
