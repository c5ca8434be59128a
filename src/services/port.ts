import { JwtrotError } from '../keyset/error.js';
import { probe } from './health.js';
import { listInstances } from './instances.js';
import { reload } from './reload/reload.js';
import type { Service, ServicePort } from './service.js';
import type { ServiceSettings } from './settings.js';

/** A dependent service, reached as its configuration says. */
export function createServicePort(service: Service, settings: ServiceSettings): ServicePort {
  return {
    service,
    listInstances: (signal) => listInstances(service, settings, signal),
    reload: (instance, signal) => reload(service.reload, instance, settings, signal),
    probe: async (instance, signal) => {
      if (service.health === null) return { ok: false, reason: 'the service has no health that could be asked' };
      try {
        return await probe(service.health, instance, signal);
      } catch (error) {
        if (!(error instanceof JwtrotError)) throw error;
        return { ok: false, reason: error.message };
      }
    },
  };
}
