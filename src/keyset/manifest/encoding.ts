import * as v from 'valibot';
import { JwtrotError } from '../basics/error.js';
import { decodeJson, isJsonObject, type Json } from '../basics/foreign-json.js';
import { quoteOutside } from '../basics/outside-text.js';
import { brokenInvariants } from './invariants.js';
import type { PublicJwk } from './key.js';
import type { Manifest } from './model.js';
import { parseForReading, READS, readsOf } from './reading.js';
import { INSTANTS, manifestSchema } from './schema.js';
import { LONGEST_MANIFEST, prune, thin } from './size.js';

export { KEPT, LONGEST_MANIFEST, prune } from './size.js';

const utf8 = new TextEncoder();

/**
 * Encodes a manifest as JSON: times as RFC 3339 in UTC, absent values left out.
 * @throws JwtrotError `manifest-too-large`
 */
export function encodeManifest(value: Manifest): string {
  for (let kept: Manifest | null = prune(value); kept !== null; kept = thin(kept)) {
    const text = stringify(kept);
    if (utf8.encode(text).length <= LONGEST_MANIFEST) return text;
  }
  throw new JwtrotError(
    'refused',
    'manifest-too-large',
    `the manifest of keyset ${value.name} would exceed 48 KiB; nothing was written`,
    { hint: 'import fewer keys into one keyset' },
  );
}

function stringify(value: Manifest): string {
  return JSON.stringify(value, (name, member: unknown) => {
    if (member === null || member === false) return undefined;
    if (name === 'formerLineages' && Array.isArray(member) && member.length === 0) return undefined;
    return INSTANTS.has(name) && typeof member === 'number' ? new Date(member).toISOString() : member;
  });
}

/**
 * Decodes a stored manifest and checks it completely: schema, invariants, and every thumbprint, recomputed.
 * @param where the file or the secret, for the error
 * @throws JwtrotError kind `refused`: `manifest-schema` if a later jwtrot wrote it, else `manifest-damaged`
 */
export async function decodeManifest(
  stored: string,
  keyset: string,
  where: string,
  thumbprintOf: Thumbprint,
): Promise<Manifest> {
  const json = jsonOf(stored, keyset, where);
  const schema = isJsonObject(json) ? json['schema'] : undefined;
  if (typeof schema === 'number' && schema > 1)
    throw manifestFromLater(keyset, where, `has schema ${schema}; this jwtrot knows 1`);
  return sound(v.safeParse(manifestSchema, json), keyset, where, thumbprintOf);
}

/**
 * The same for who does not commit it: what a later jwtrot added is ignored, unless that says that readers must know it.
 * @returns `isWhole`: nothing was ignored
 */
export async function decodeForReading(
  stored: string,
  keyset: string,
  where: string,
  thumbprintOf: Thumbprint,
): Promise<{ readonly manifest: Manifest; readonly isWhole: boolean }> {
  const json = jsonOf(stored, keyset, where);
  const reads = readsOf(json);
  if (reads === null) throw manifestDamaged(keyset, where, 'reads: expected a number');
  if (reads > READS) throw manifestFromLater(keyset, where, `must be read by a later jwtrot (reads ${reads})`);
  const { parsed, isWhole } = parseForReading(json);
  return { manifest: await sound(parsed, keyset, where, thumbprintOf), isWhole };
}

type Thumbprint = (jwk: PublicJwk) => Promise<string>;

function jsonOf(stored: string, keyset: string, where: string): Json {
  const decoded = decodeJson(stored);
  if (!decoded.ok) throw manifestDamaged(keyset, where, `it is ${decoded.reason}`);
  return decoded.value;
}

async function sound(
  parsed: v.SafeParseResult<typeof manifestSchema>,
  keyset: string,
  where: string,
  thumbprintOf: Thumbprint,
): Promise<Manifest> {
  const damaged = (why: string) => manifestDamaged(keyset, where, why);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    throw damaged(`${oneLine(v.getDotPath(issue) ?? 'it')}: expected ${issue.expected ?? 'something else'}`);
  }
  const value: Manifest = parsed.output;
  if (value.name !== keyset) throw damaged(`it is of keyset ${value.name}`);
  const broken = brokenInvariants(value)[0];
  if (broken !== undefined) throw damaged(oneLine(broken));
  for (const one of value.keys) {
    if (one.publicJwk !== null && (await thumbprintOf(one.publicJwk)) !== one.thumbprint) {
      throw damaged(`key ${one.thumbprint} is not the one its thumbprint names`);
    }
  }
  return value;
}

/** A damaged manifest may hold any text, so escape it. */
function oneLine(text: string): string {
  return quoteOutside(text).slice(1, -1);
}

export function manifestDamaged(keyset: string, where: string, why: string): JwtrotError {
  // Only a store in a directory has backups.
  const backup = where.startsWith('/') ? "; to put a backup in the store's place: jwtrot store restore FILE" : '';
  return new JwtrotError(
    'refused',
    'manifest-damaged',
    `the manifest of keyset ${keyset} in ${where} is damaged: ${why}; nothing was changed`,
    {
      hint: `jwtrot store recover --keyset ${keyset} goes on from the newest sound manifest and what this host remembers${backup}`,
    },
  );
}

const DAMAGED = new Set(['manifest-damaged', 'manifest-foreign']);
const UNREADABLE = new Set([...DAMAGED, 'manifest-unread', 'manifest-schema', 'secret-empty', 'secret-deleted']);

/** The store answered, but its newest manifest can't be read. */
export function isUnreadable(error: unknown): error is JwtrotError {
  return error instanceof JwtrotError && UNREADABLE.has(error.code);
}

/** The stored text is not a manifest. One from a later jwtrot is not damaged. */
export function isDamaged(error: unknown): error is JwtrotError {
  return error instanceof JwtrotError && DAMAGED.has(error.code);
}

export function manifestFromLater(keyset: string, where: string, why = 'was written by a later jwtrot'): JwtrotError {
  return new JwtrotError(
    'refused',
    'manifest-schema',
    `the manifest of keyset ${keyset} in ${where} ${why}; nothing was changed`,
    { hint: 'upgrade jwtrot on this host' },
  );
}
