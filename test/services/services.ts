import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../src/keyset/basics/clock.js';
import type { JsonHealth, JwksHealth } from '../../src/services/health-kinds.js';
import type { Instance, Service } from '../../src/services/service.js';

export const NO_TLS = { ca: null, cert: null, key: null };

export function healthAt(url: string, more: Partial<JsonHealth> = {}): JsonHealth {
  return {
    type: 'json',
    url,
    kid: '/kid',
    kids: '/kids',
    preloaded: null,
    headers: {},
    tls: NO_TLS,
    timeout: 2_000,
    deadline: 10_000,
    confirmations: 1,
    distinct: null,
    ...more,
  };
}

export function jwksAt(url: string, more: Partial<JwksHealth> = {}): JwksHealth {
  const { kid: _, kids: _kids, preloaded: _preloaded, ...common } = healthAt(url);
  return { ...common, type: 'jwks', ...more };
}

export function aService(more: Partial<Service> = {}): Service {
  return {
    name: 'api',
    role: 'both',
    instances: null,
    reload: { type: 'none' },
    health: null,
    rollout: { batch: 'all' },
    ...more,
  };
}

export const ONE: Instance = { name: 'api', address: null };

export const never = (): AbortSignal => new AbortController().signal;

/** The machine's own clock. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (duration, signal) => sleep(duration, undefined, signal === undefined ? {} : { signal }),
};
