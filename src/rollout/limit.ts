import type { Request } from '../keyset/action.js';
import { type Duration, MINUTE } from '../keyset/clock.js';
import type { PublishOutlet } from '../outlets/outlet.js';
import { type Service, signs, verifies } from '../services/service.js';
import type { KeysetContext } from './context.js';

/** Store and KMS calls of a run, each of them bounded by its adapter. */
const STORE_TIME = 3 * MINUTE;
/** How long an outlet's URL may take to serve what was written. */
export const READ_BACK_DEADLINE = 2 * MINUTE;

function reloadTime({ reload }: Service): Duration {
  return reload.type === 'none' ? 0 : reload.timeout;
}

/** How long a service may take to be reloaded and to confirm; where nobody can see it confirm, to be reloaded. */
export function serviceTime(service: Service): Duration {
  return service.health?.deadline ?? reloadTime(service);
}

/** How long after it was ordered a reload may still take effect. */
export function reloadEffectTime(service: Service): Duration {
  return Math.max(serviceTime(service), reloadTime(service));
}

/** How long writing and reading back one outlet may take. */
export function outletTime(outlet: PublishOutlet): Duration {
  return (outlet.type === 'command' ? outlet.timeout : 0) + (outlet.url === null ? 0 : READ_BACK_DEADLINE);
}

function longest(times: readonly Duration[]): Duration {
  return times.reduce((most, time) => Math.max(most, time), 0);
}

/**
 * The run's own time limit: the sum of the deadlines of everything it may have to wait for. Verifiers: a refresh, the
 * gate twice, the drop, the second look. Signers: a refresh, the switch, the way back. Outlets: before each of them.
 */
export function runLimit(context: Pick<KeysetContext, 'services' | 'outlets'>, request: Request): Duration {
  const services = context.services.map((port) => port.service);
  const verifiers = longest(services.filter(verifies).map(serviceTime));
  const signers = longest(services.filter(signs).map(serviceTime));
  const outlets = longest(context.outlets.publish.map(outletTime));
  return STORE_TIME + 5 * verifiers + 3 * signers + 4 * outlets + 2 * (request.retire?.deadline ?? 0);
}
