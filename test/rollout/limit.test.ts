import { describe, expect, it } from 'vitest';
import { MINUTE, SECOND } from '../../src/keyset/basics/clock.js';
import type { Batch } from '../../src/keyset/basics/policy.js';
import { NOTHING_ASKED } from '../../src/keyset/planning/action.js';
import type { DeliverOutlet, PublishOutlet } from '../../src/outlets/configured.js';
import { runLimit } from '../../src/rollout/limit.js';
import type { InstanceSource, Service } from '../../src/services/service.js';
import { aService, healthAt } from '../services/services.js';

const DEADLINE = 30 * SECOND;
const DNS: InstanceSource = { type: 'dns', name: 'api.internal', port: 80 };

function listed(count: number): InstanceSource {
  return { type: 'list', instances: Array.from({ length: count }, (_, i) => ({ name: `i${i}`, address: null })) };
}

function service(instances: InstanceSource | null, batch: Batch, more: Partial<Service> = {}): Service {
  const health = healthAt('http://127.0.0.1/', { deadline: DEADLINE });
  return aService({ role: 'verifier', instances, health, rollout: { batch }, ...more });
}

/** Beyond what the store may take: five steps of verifiers, three of signers. */
function waiting(batch: Batch, ...services: Service[]): number {
  const listedServices = services.map((one, i) => ({ service: { ...one, name: `s${i}` } }));
  const limited = { policy: { rollout: { batch } }, services: listedServices, outlets: { publish: [], deliver: [] } };
  return runLimit(limited, NOTHING_ASKED) - 3 * MINUTE;
}

/** The deadline, for each wave; a third of it for the look before several. */
function waves(count: number): number {
  return count === 1 ? DEADLINE : count * DEADLINE + DEADLINE / 3;
}

describe('the time limit of a run', () => {
  it('has room for a command to be awaited, for one to be run again, and verifiers to be asked again', () => {
    const limit = (publish: readonly PublishOutlet[], deliver: readonly DeliverOutlet[] = []) =>
      runLimit(
        {
          policy: { rollout: { batch: 'all' } },
          services: [{ service: service(null, 1) }],
          outlets: { publish, deliver },
        },
        NOTHING_ASKED,
      );
    const command = { type: 'command', timeout: MINUTE, url: null } as unknown as PublishOutlet;
    expect(limit([command])).toBe(limit([]) + DEADLINE + 6 * MINUTE);
    const file = { type: 'file', url: null } as unknown as PublishOutlet;
    expect(limit([file])).toBe(limit([]));
    const delivering = { type: 'command', timeout: MINUTE } as unknown as DeliverOutlet;
    expect(limit([], [delivering])).toBe(limit([]) + 5 * (MINUTE + 10 * SECOND) + 2 * MINUTE);
    expect(limit([], [{ type: 'file' } as unknown as DeliverOutlet])).toBe(limit([]));
  });

  it('has room for each wave of a service', () => {
    expect(waiting('all', service(null, 1))).toBe(5 * waves(1));
    expect(waiting('all', service(listed(6), 'all'))).toBe(5 * waves(1));
    expect(waiting('all', service(listed(6), 2))).toBe(5 * waves(3));
    expect(waiting('all', service(listed(7), 2))).toBe(5 * waves(4));
    expect(waiting('all', service(listed(6), 'canary'))).toBe(5 * waves(2));
    expect(waiting('all', service(listed(1), 'canary'))).toBe(5 * waves(1));
    expect(waiting('all', service(listed(2), 1, { role: 'both' }))).toBe(8 * waves(2));
  });

  it('takes services side by side, unless they share their waves', () => {
    const many = [service(listed(4), 'all'), service(listed(2), 1)];
    expect(waiting('all', ...many)).toBe(5 * waves(2));
    expect(waiting(1, ...many)).toBe(5 * waves(6));
    expect(waiting(2, ...many)).toBe(5 * waves(4));
    expect(waiting('canary', ...many)).toBe(5 * waves(3));
  });

  it('has room for sixteen waves of instances that are found as it goes', () => {
    expect(waiting('all', service(DNS, 'all'))).toBe(5 * waves(1));
    expect(waiting('all', service(DNS, 'canary'))).toBe(5 * waves(2));
    expect(waiting('all', service(DNS, 1))).toBe(5 * waves(16));
    expect(waiting('all', service(DNS, 5))).toBe(5 * waves(16));
    expect(waiting(3, service(DNS, 'all'))).toBe(5 * waves(16));
    expect(waiting(3, service(DNS, 1000))).toBe(5 * waves(16));
    expect(waiting('all', service(DNS, 1000))).toBe(5 * waves(16));
  });

  it('gives a service that nobody polls the time of its reload', () => {
    const reload = { type: 'http', url: 'http://h/', method: 'POST', headers: {}, tls: {}, timeout: DEADLINE } as never;
    expect(waiting('all', service(listed(3), 1, { health: null, reload }))).toBe(5 * waves(3));
  });
});
