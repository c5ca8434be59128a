import * as v from 'valibot';
import { ALGORITHM_NAMES } from './algorithm.js';
import type { Instant } from './clock.js';
import { JwtrotError } from './error.js';
import { brokenInvariants } from './invariants.js';
import { KEYSET_NAME, type Manifest, type PublicJwk, THUMBPRINT } from './model.js';
import { KEY_STATES } from './states.js';

/** A manifest stays under this, in bytes of UTF-8 (Secrets Manager takes 65,536). */
export const LONGEST_MANIFEST = 48 * 1024;
/** How much of its history a manifest keeps. */
export const KEPT = { commits: 64, events: 50, tombstones: 100 } as const;

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const instant = v.pipe(
  v.string(),
  v.regex(RFC3339),
  v.transform((text): Instant => Date.parse(text)),
  v.finite(),
);
const time = v.optional(v.nullable(instant), null);
const duration = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const kid = v.pipe(v.string(), v.minLength(1), v.maxLength(256));
const nullableKid = v.optional(v.nullable(kid), null);
const base64url = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]+$/), v.maxLength(1024));
const reason = v.picklist(['expired', 'compromised', 'superseded', 'failed']);
const flag = v.optional(v.boolean(), false);
const text = v.pipe(v.string(), v.maxLength(400));

const publicJwk = v.variant('kty', [
  v.strictObject({ kty: v.literal('RSA'), n: base64url, e: base64url }),
  v.strictObject({ kty: v.literal('EC'), crv: v.string(), x: base64url, y: base64url }),
  v.strictObject({ kty: v.literal('OKP'), crv: v.string(), x: base64url }),
]);

const key = v.strictObject({
  kid,
  thumbprint: v.pipe(v.string(), v.regex(THUMBPRINT)),
  version: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  alg: v.picklist(ALGORITHM_NAMES),
  state: v.picklist(KEY_STATES),
  publicJwk: v.optional(v.nullable(publicJwk), null),
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
});

const owner = v.strictObject({
  host: v.string(),
  hostname: v.string(),
  bootId: v.string(),
  pidNamespace: v.string(),
  pid: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  startTime: v.string(),
});

const manifest = v.strictObject({
  schema: v.literal(1),
  name: v.pipe(v.string(), v.regex(KEYSET_NAME)),
  revision: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  commits: v.pipe(v.array(v.strictObject({ id: v.string(), at: instant })), v.minLength(1)),
  host: v.optional(v.nullable(v.strictObject({ id: v.string(), hostname: v.string() })), null),
  keys: v.array(key),
  rollout: v.optional(
    v.nullable(
      v.strictObject({
        kid,
        former: nullableKid,
        direction: v.picklist(['forward', 'back']),
        phase: v.picklist(['store', 'publish', 'verify', 'ahead', 'switch']),
        startedAt: instant,
        forced: flag,
        immediate: flag,
      }),
    ),
    null,
  ),
  reloadsUntil: time,
  refresh: v.optional(v.nullable(v.strictObject({ publish: flag, deliver: flag, since: instant })), null),
  retirements: v.optional(
    v.array(
      v.strictObject({
        kid,
        reason,
        requestedAt: instant,
        deadlineAt: instant,
        noReplacement: flag,
        purge: flag,
        checkAgainAt: time,
      }),
    ),
    [],
  ),
  lease: v.optional(
    v.nullable(v.strictObject({ id: v.string(), owner, verb: text, since: instant, until: instant })),
    null,
  ),
  backoff: v.optional(
    v.nullable(
      v.strictObject({ failures: v.pipe(v.number(), v.safeInteger(), v.minValue(1)), until: instant, because: text }),
    ),
    null,
  ),
  events: v.optional(
    v.array(v.strictObject({ at: instant, type: text, kid: nullableKid, detail: v.optional(v.nullable(text), null) })),
    [],
  ),
});

const INSTANTS = new Set(
  'at createdAt publishedAt confirmedAt activatedAt signedFrom deprecatedAt signedUntil retiredAt droppedAt goneAt deleteAgainAt destroyedAt startedAt reloadsUntil since until requestedAt deadlineAt checkAgainAt'.split(
    ' ',
  ),
);

/** The stored text: JSON, times as RFC 3339 in UTC, absent values left out. */
export function encodeManifest(value: Manifest): string {
  const pruned = prune(value);
  const text = stringify(pruned);
  if (text.length <= LONGEST_MANIFEST) return text;
  const tombstones = pruned.keys.filter((one) => one.state === 'destroyed');
  if (tombstones.length === 0 && pruned.events.length === 0) {
    throw new JwtrotError(
      'refused',
      'manifest-too-large',
      `the manifest of keyset ${value.name} would exceed 48 KiB; nothing was written`,
      {
        hint: 'import fewer keys into one keyset',
      },
    );
  }
  const spared = new Set(tombstones.slice(0, Math.ceil(tombstones.length / 4)));
  return encodeManifest({
    ...pruned,
    keys: pruned.keys.filter((one) => !spared.has(one)),
    events: pruned.events.slice(Math.ceil(pruned.events.length / 4)),
  });
}

/** Keeps the newest of what only grows. */
export function prune(value: Manifest): Manifest {
  const tombstones = value.keys.filter((one) => one.state === 'destroyed');
  const forgotten = new Set(tombstones.slice(0, Math.max(0, tombstones.length - KEPT.tombstones)));
  return {
    ...value,
    commits: value.commits.slice(-KEPT.commits),
    events: value.events.slice(-KEPT.events),
    keys: value.keys.filter((one) => !forgotten.has(one)),
  };
}

function stringify(value: Manifest): string {
  return JSON.stringify(value, (name, member: unknown) => {
    if (member === null || member === false) return undefined;
    return INSTANTS.has(name) && typeof member === 'number' ? new Date(member).toISOString() : member;
  });
}

/**
 * Reads a stored manifest and checks all of it, each thumbprint recomputed included.
 * @param where for the error: the file or the secret
 * @throws JwtrotError kind `refused`: `manifest-schema` when a later jwtrot wrote it, `manifest-damaged` for the rest
 */
export async function decodeManifest(
  stored: string,
  keyset: string,
  where: string,
  thumbprintOf: (jwk: PublicJwk) => Promise<string>,
): Promise<Manifest> {
  const damaged = (why: string, cause?: unknown) =>
    new JwtrotError(
      'refused',
      'manifest-damaged',
      `the manifest of keyset ${keyset} in ${where} is damaged: ${why}; nothing was changed`,
      {
        hint: 'restore it from a backup; the revisions before it may be older than what services hold',
        cause,
      },
    );
  let json: unknown;
  try {
    json = JSON.parse(stored);
  } catch (cause) {
    throw damaged('it is not JSON', cause);
  }
  const schema = (json as { schema?: unknown } | null)?.schema;
  if (typeof schema === 'number' && schema > 1) {
    throw new JwtrotError(
      'refused',
      'manifest-schema',
      `the manifest of keyset ${keyset} in ${where} has schema ${schema}; this jwtrot knows 1; nothing was changed`,
      {
        hint: 'upgrade jwtrot on this host',
      },
    );
  }
  const parsed = v.safeParse(manifest, json);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw damaged(`${v.getDotPath(issue) ?? 'it'}: expected ${issue.expected ?? 'something else'}`);
  }
  const value: Manifest = parsed.output;
  if (value.name !== keyset) throw damaged(`it is of keyset ${value.name}`);
  const broken = brokenInvariants(value)[0];
  if (broken !== undefined) throw damaged(broken);
  for (const one of value.keys) {
    if (one.publicJwk !== null && (await thumbprintOf(one.publicJwk)) !== one.thumbprint) {
      throw damaged(`key ${one.thumbprint} is not the one its thumbprint names`);
    }
  }
  return value;
}
