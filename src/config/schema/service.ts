import * as v from 'valibot';
import type { Role, Service } from '../../services/service.js';
import { fillingsOf } from './clear-text.js';
import { fields, isMap, list, type Schema, word } from './fields.js';
import { health, type ServiceContext } from './health.js';
import { addressProblem, instances } from './instances.js';
import { reload } from './reload.js';
import { defaultBatch, rollout } from './rollout.js';
import { text } from './scalars.js';

const ROLES = ['signer', 'verifier', 'both'] as const satisfies readonly Role[];

function isNone(reload: unknown): boolean {
  return isMap(reload) && Object.hasOwn(reload, 'none');
}

const service: Schema<Service> = v.lazy((input) => {
  const map = isMap(input) ? input : {};
  const context: ServiceContext = {
    role: ROLES.find((role) => role === map['role']) ?? null,
    addressProblem: addressProblem(map['instances']),
    fetchesItself: map['reload'] === undefined || map['reload'] === 'none' || isNone(map['reload']),
    fillings: fillingsOf(map),
  };
  return v.pipe(
    fields({
      name: text('a name such as issuer or api-eu', /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
      role: word(ROLES),
      instances: v.optional(instances),
      reload: v.optional(reload(context), 'none'),
      health: v.optional(health(context)),
      rollout: v.optional(rollout),
    }),
    v.transform(({ instances: given = null, health: polled = null, rollout: waves, ...rest }) => ({
      ...rest,
      instances: given,
      health: polled,
      rollout: waves ?? { batch: defaultBatch(rest.reload) },
    })),
  );
});

/** A keyset's dependent services, with unique names. */
export const services: Schema<Service[]> = v.pipe(
  list(service, 'a list of services'),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!Array.isArray(dataset.value)) return;
    const seen = new Set<unknown>();
    for (const [index, one] of (dataset.value as unknown[]).entries()) {
      const name = isMap(one) ? one['name'] : undefined;
      if (typeof name === 'string' && seen.has(name)) {
        const at = { type: 'unknown' as const, origin: 'value' as const, input: null, value: name };
        addIssue({
          message: 'another service of this keyset has the same name',
          path: [
            { ...at, key: index },
            { ...at, key: 'name' },
          ],
        });
      }
      seen.add(name);
    }
  }),
);
