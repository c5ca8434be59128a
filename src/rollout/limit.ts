import { type Duration, MINUTE } from '../keyset/basics/clock.js';
import type { Batch } from '../keyset/basics/policy.js';
import type { Request } from '../keyset/planning/action.js';
import type { DeliverOutlet, PublishOutlet } from '../outlets/configured.js';
import { OBSERVE_LIMIT } from '../outlets/limits.js';
import { preloads, type Service, serviceTime, signs, verifies } from '../services/service.js';
import { planWaves } from './batches.js';
import type { KeysetContext } from './context.js';

/** For a run's store and KMS calls. Their adapters bound each call. */
const STORE_TIME = 3 * MINUTE;
/** How long an outlet's URL may take to serve what was written. */
export const READ_BACK_DEADLINE = 2 * MINUTE;

/** How long writing and reading back one outlet may take. */
export function outletTime(outlet: PublishOutlet): Duration {
  return (outlet.type === 'command' ? outlet.timeout : 0) + (outlet.url === null ? 0 : READ_BACK_DEADLINE);
}

/** How long delivering to one outlet, and asking what it holds then, may take. */
export function deliveryTime(outlet: DeliverOutlet): Duration {
  return outlet.type === 'command' ? outlet.timeout + OBSERVE_LIMIT.usual : 0;
}

function longest(times: readonly Duration[]): Duration {
  return times.reduce((most, time) => Math.max(most, time), 0);
}

/** How often a run looks at its outlets at most, about. */
const LOOKS = 12;

/** Nobody knows beforehand how many instances a name or a command finds: leave room for this many waves. */
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
  // Several waves begin with a look at who needs no reload; it may take a third of the deadline.
  return waves > 1 ? waves * time + Math.ceil(time / 3) : time;
}

function instancesOf({ instances, rollout }: Service, most: Batch): unknown[] {
  if (instances === null) return [null];
  if (instances.type === 'list') return [...instances.instances];
  const batches = [rollout.batch, most].filter((batch) => typeof batch === 'number');
  return Array.from({ length: ASSUMED_WAVES * (batches.length === 0 ? 1 : Math.min(...batches)) });
}

/** What a run may have to wait for. */
export interface RunLimited {
  readonly policy: Pick<KeysetContext['policy'], 'rollout'>;
  readonly services: readonly Pick<KeysetContext['services'][number], 'service'>[];
  readonly outlets: Pick<KeysetContext['outlets'], 'publish' | 'deliver'>;
}

/**
 * The run's own time limit: the sum of the deadlines of everything it may have to wait for.
 * - Verifiers, and signers that preload: a refresh, the gate twice, the drop, the second look.
 * - Signers: a refresh, the switch, the way back.
 * - Outlets: once before each of these.
 * - If commands publish: one question to verifiers again, with its outlets, and the end of an earlier run's command.
 * - If commands deliver: that, too, and each look at what they hold.
 */
export function runLimit(context: RunLimited, request: Request): Duration {
  const services = context.services.map((port) => port.service);
  const { batch } = context.policy.rollout;
  const verifiers = phaseTime(
    services.filter((service) => verifies(service) || preloads(service)),
    batch,
  );
  const signers = phaseTime(services.filter(signs), batch);
  const { publish, deliver } = context.outlets;
  const outlets = longest([...publish.map(outletTime), ...deliver.map(deliveryTime)]);
  const again = publish.some((outlet) => outlet.type === 'command') ? verifiers + 2 * outlets : 0;
  const looks = deliver.some((outlet) => outlet.type === 'command') ? outlets + LOOKS * OBSERVE_LIMIT.usual : 0;
  return STORE_TIME + 5 * verifiers + 3 * signers + 4 * outlets + again + looks + 2 * (request.retire?.deadline ?? 0);
}
