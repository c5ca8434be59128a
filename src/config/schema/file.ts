import * as v from 'valibot';
import { KEYSET_NAME } from '../../keyset/manifest/model.js';
import { fields, isMap, type Schema } from './fields.js';
import { deliver, publish } from './outlet.js';
import { policyFields } from './policy.js';
import { text } from './scalars.js';
import { services } from './service.js';
import { store, wrap } from './store.js';

const keyset = fields({
  ...policyFields,
  publish: v.optional(publish, []),
  deliver: v.optional(deliver, []),
  services: v.optional(services, []),
});

const KEYSETS = 'must be a map with at least one keyset, such as { api: { maxTokenTtl: 24h } }';

const keysetName = text(
  'a keyset name: a-z, 0-9, ".", "_" and "-", up to 64 and not first ".", "_" or "-"',
  KEYSET_NAME,
);

/** The whole file. */
export const file = fields({
  store: v.optional(store),
  wrap: v.optional(wrap),
  defaults: v.optional(fields(policyFields)),
  keysets: v.pipe(
    v.custom<Record<string, unknown>>((given) => isMap(given) && Object.keys(given).length > 0, KEYSETS),
    v.record(keysetName, keyset),
  ),
});

export type ConfigurationFile = typeof file extends Schema<infer T> ? T : never;
