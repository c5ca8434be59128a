import { SECOND } from '../keyset/basics/clock.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { probe, probeWithCanaries } from './health.js';
import { FLAW_HINT } from './instance-rules.js';
import { listInstances } from './instances.js';
import { limitedPolls, SPENT } from './polls.js';
import { reload } from './reload/reload.js';
import type { Reload, Service, ServicePort } from './service.js';
import type { ServiceSettings } from './settings.js';
import { createTurnstile, type Turnstile } from './turnstile.js';

/** Connections to one service. Each takes about 60 KiB, twice that with TLS. */
const CONNECTIONS = { atOnce: 100, patience: SECOND, most: 256 };
/** Commands for one service, including systemctl. jwtrot's unit has 64 tasks and 160 MiB for everything. */
const COMMANDS = { atOnce: 16, patience: 5 * SECOND, most: 40 };

/** Makes the port of a dependent service. Each has queues of its own, so one that hangs doesn't delay another. */
export function createServicePort(service: Service, given: ServiceSettings): ServicePort {
  const settings = { ...given, isFound: service.instances !== null && service.instances.type !== 'list' };
  const connections = createTurnstile(CONNECTIONS);
  const polls = service.health?.type === 'token' ? limitedPolls() : null;
  const reloads = turnstileFor(service.reload);
  return {
    service,
    listInstances: (signal) => listInstances(service, settings, signal),
    ...(reloads === null ? {} : { inTurn: reloads.pass }),
    reload: async (instance, signal, how) =>
      instance.flaw === undefined
        ? reload(service.reload, instance, settings, { ...how, signal })
        : { ok: false, reason: instance.flaw, hint: FLAW_HINT },
    ...(polls === null ? {} : { polls }),
    probe: async (instance, signal, proving, kids) => {
      const { health } = service;
      if (instance.flaw !== undefined) return { ok: false, reason: instance.flaw };
      if (health === null) return { ok: false, reason: 'the service has no health that could be asked' };
      if (polls?.isSpent(instance, true) === true) return { ok: false, reason: SPENT };
      polls?.add(instance);
      try {
        const asking = { signal, proving, kids };
        const ask = () =>
          health.type === 'canary'
            ? probeWithCanaries(health, { name: service.name, instance }, settings, asking)
            : probe(health, instance, settings, asking);
        return await connections.pass(ask, signal);
      } catch (error) {
        if (signal.aborted) return { ok: false, reason: 'interrupted' };
        if (!(error instanceof JwtrotError) || error.code === 'canary-proves-nothing') throw error;
        return { ok: false, reason: error.message };
      }
    },
  };
}

/** Separate from the queue of polls, since a reload may take long. Null for a reload without a process or connection. */
function turnstileFor({ type }: Reload): Turnstile | null {
  if (type === 'http') return createTurnstile(CONNECTIONS);
  return type === 'command' || type === 'systemd' ? createTurnstile(COMMANDS) : null;
}
