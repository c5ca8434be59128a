import * as v from 'valibot';
import { ALGORITHM_NAMES } from '../basics/algorithm.js';
import type { Instant } from '../basics/clock.js';
import { KEYSET_NAME, LAST_REVISION, LONGEST_TEXT, THUMBPRINT } from './model.js';
import { KEY_STATES } from './states.js';

/*
 * The shape of a stored manifest, schema 1. Strict: an unknown field may carry a meaning that this version would
 * ignore.
 */

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const instant = v.pipe(
  v.string(),
  v.regex(RFC3339),
  v.transform((text): Instant => Date.parse(text)),
  v.finite(),
);
const time = v.optional(v.nullable(instant), null);
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const revision = v.pipe(count, v.maxValue(LAST_REVISION));
const duration = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const kid = v.pipe(v.string(), v.minLength(1), v.maxLength(256));
const nullableKid = v.optional(v.nullable(kid), null);
const base64url = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]+$/), v.maxLength(1024));
const reason = v.picklist(['expired', 'compromised', 'superseded', 'failed']);
const flag = v.optional(v.boolean(), false);
const absent = v.optional(v.null(), null);
/** Nothing reads these members in that state, so drop their values. */
const noFlag = v.pipe(
  flag,
  v.transform((): false => false),
);
const noTime = v.pipe(
  time,
  v.transform(() => null),
);
const noReason = v.pipe(
  v.optional(v.nullable(reason), null),
  v.transform(() => null),
);
const lineage = v.pipe(v.string(), v.minLength(1), v.maxLength(64));
const text = v.pipe(v.string(), v.maxLength(LONGEST_TEXT));

const publicJwk = v.variant('kty', [
  v.strictObject({ kty: v.literal('RSA'), n: base64url, e: base64url }),
  v.strictObject({ kty: v.literal('EC'), crv: v.string(), x: base64url, y: base64url }),
  v.strictObject({ kty: v.literal('OKP'), crv: v.string(), x: base64url }),
]);

const parts = {
  kid,
  thumbprint: v.pipe(v.string(), v.regex(THUMBPRINT)),
  version: count,
  alg: v.picklist(ALGORITHM_NAMES),
  state: v.picklist(KEY_STATES),
  publicJwk,
  hasPrivate: flag,
  createdAt: instant,
  publishedAt: time,
  confirmedAt: time,
  activatedAt: time,
  signedFrom: time,
  deprecatedAt: time,
  signedUntil: time,
  maxTokenTtl: v.optional(duration, 0),
  verifyFor: v.optional(duration, 0),
  retiredAt: time,
  reason: v.optional(v.nullable(reason), null),
  droppedAt: time,
  goneAt: time,
  deleteAgainAt: time,
  destroyedAt: time,
};
const living = { ...parts, retiredAt: noTime, droppedAt: noTime, goneAt: noTime, destroyedAt: noTime };
const unused = { ...living, activatedAt: noTime, deprecatedAt: noTime, signedUntil: noTime, reason: noReason };

/** One entry per member of `Key`. Encoding keeps the order of the members. */
const key = v.variant('state', [
  v.strictObject({
    ...unused,
    state: v.literal('creating'),
    publishedAt: noTime,
    confirmedAt: noTime,
    signedFrom: absent,
    deleteAgainAt: noTime,
  }),
  v.strictObject({
    ...living,
    state: v.literal('creating'),
    publishedAt: noTime,
    signedFrom: instant,
    signedUntil: noTime,
  }),
  v.strictObject({ ...unused, state: v.literal('pending') }),
  v.strictObject({
    ...unused,
    state: v.literal('active'),
    hasPrivate: v.literal(true),
    activatedAt: instant,
    signedFrom: instant,
    signedUntil: absent,
  }),
  v.strictObject({ ...living, state: v.literal('deprecated'), signedFrom: instant, deprecatedAt: instant }),
  v.strictObject({ ...parts, state: v.literal('retired'), retiredAt: instant, reason, destroyedAt: noTime }),
  v.strictObject({ ...parts, state: v.literal('destroyed'), publicJwk: absent, reason, destroyedAt: instant }),
]);

const owner = v.strictObject({
  host: v.string(),
  hostname: v.string(),
  bootId: v.string(),
  pidNamespace: v.string(),
  pid: count,
  startTime: v.string(),
});

const forward = {
  kid,
  former: nullableKid,
  direction: v.literal('forward'),
  phase: v.literal('switch'),
  startedAt: instant,
  forced: flag,
  immediate: flag,
  signersAnswered: flag,
};
const STAGES = ['store', 'publish', 'verify', 'ahead'] as const;
const rollout = v.variant('direction', [
  v.variant('phase', [
    v.strictObject({ ...forward, phase: v.picklist(STAGES), signersAnswered: noFlag }),
    v.strictObject(forward),
  ]),
  v.strictObject({ ...forward, direction: v.literal('back'), former: kid, signersAnswered: noFlag }),
]);

const retirement = v.strictObject({
  kid,
  reason,
  requestedAt: instant,
  deadlineAt: instant,
  noReplacement: flag,
  purge: flag,
  checkAgainAt: time,
});

export const manifestSchema = v.strictObject({
  schema: v.literal(1),
  name: v.pipe(v.string(), v.regex(KEYSET_NAME)),
  lineage: v.optional(v.nullable(lineage), null),
  formerLineages: v.optional(v.array(lineage), []),
  revision,
  commits: v.pipe(v.array(v.strictObject({ id: v.string(), at: instant })), v.minLength(1)),
  host: v.optional(v.nullable(v.strictObject({ id: v.string(), hostname: v.string() })), null),
  keys: v.array(key),
  rollout: v.optional(v.nullable(rollout), null),
  reloadsUntil: time,
  signersOwed: flag,
  refresh: v.optional(v.nullable(v.strictObject({ publish: flag, deliver: flag, served: flag, since: instant })), null),
  verifiersOwedAt: time,
  retirements: v.optional(v.array(retirement), []),
  lease: v.optional(
    v.nullable(v.strictObject({ id: v.string(), owner, verb: text, since: instant, until: instant })),
    null,
  ),
  backoff: v.optional(v.nullable(v.strictObject({ failures: count, until: instant, because: text })), null),
  events: v.optional(
    v.array(v.strictObject({ at: instant, type: text, kid: nullableKid, detail: v.optional(v.nullable(text), null) })),
    [],
  ),
});

/** Members that are instants: numbers in memory, RFC 3339 in UTC when stored. */
export const INSTANTS: ReadonlySet<string> = new Set([
  'at',
  'since',
  'until',
  'createdAt',
  'publishedAt',
  'confirmedAt',
  'activatedAt',
  'signedFrom',
  'deprecatedAt',
  'signedUntil',
  'retiredAt',
  'droppedAt',
  'goneAt',
  'deleteAgainAt',
  'destroyedAt',
  'startedAt',
  'reloadsUntil',
  'verifiersOwedAt',
  'requestedAt',
  'deadlineAt',
  'checkAgainAt',
]);
