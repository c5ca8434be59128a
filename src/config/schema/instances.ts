import * as v from 'valibot';
import { isAddress, isInstanceName } from '../../services/instance-rules.js';
import type { Instance, InstanceSource } from '../../services/service.js';
import { argumentList, variables } from './command.js';
import { fields, isMap, list, oneOf, type Schema } from './fields.js';
import { text, wholeNumber } from './scalars.js';

const address = text('host:port such as "10.0.0.1:8080"', isAddress);

const instance: Schema<Instance> = v.pipe(
  fields({
    name: text('a name such as a or blue-1', isInstanceName),
    address: v.optional(address),
  }),
  v.transform(({ name, address: given = null }) => ({ name, address: given })),
);

const listed: Schema<InstanceSource> = v.pipe(
  list(instance, 'a list of instances such as [ { name: a, address: "10.0.0.1:8080" } ]', 1),
  v.check((all) => new Set(all.map(({ name }) => name)).size === all.length, 'two instances have the same name'),
  v.transform((all) => ({ type: 'list' as const, instances: all })),
);

const byDns: Schema<InstanceSource> = v.pipe(
  fields({
    dns: text('a host name such as api.internal', /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/),
    port: wholeNumber(1, 65535),
  }),
  v.transform(({ dns, port }) => ({ type: 'dns' as const, name: dns, port })),
);

const byCommand: Schema<InstanceSource> = v.pipe(
  fields({ command: argumentList('{address} is not known before the instances are'), env: v.optional(variables, []) }),
  v.transform(({ command: argv, env }) => ({ type: 'command' as const, command: { argv, env } })),
);

const found = oneOf<InstanceSource>(
  { dns: byDns, command: byCommand },
  '{ dns: api.internal, port: 8080 }, or a list of { name, address }',
);

/** How the instances of a service are found. */
export const instances: Schema<InstanceSource> = v.lazy((input) => (Array.isArray(input) ? listed : found));

/**
 * @param given the unchecked `instances`
 * @returns why `{address}` can't be filled in for them; null when it can be
 */
export function addressProblem(given: unknown): string | null {
  if (given === undefined) return '{address} needs instances: [ { name, address } ], { dns, port } or { command }';
  if (!Array.isArray(given)) return null;
  const lacking = given.filter((one) => isMap(one) && one['address'] === undefined).length;
  return lacking === 0 ? null : '{address} needs an address for each of the instances';
}
