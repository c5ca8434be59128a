import * as v from 'valibot';
import { JwtrotError } from './error.js';
import { brokenInvariants } from './invariants.js';
import { INSTANTS, manifestSchema } from './manifest-schema.js';
import { LONGEST_MANIFEST, prune, thin } from './manifest-size.js';
import type { Manifest, PublicJwk } from './model.js';
import { quoteOutside } from './outside-text.js';

export { KEPT, LONGEST_MANIFEST, prune } from './manifest-size.js';

const utf8 = new TextEncoder();

/**
 * The stored text: JSON, times as RFC 3339 in UTC, absent values left out.
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
  const damaged = (why: string, cause?: unknown) => damagedError(keyset, where, why, cause);
  let json: unknown;
  try {
    json = JSON.parse(stored);
  } catch (cause) {
    throw damaged('it is not JSON', cause);
  }
  assertSchema(json, keyset, where);
  const parsed = v.safeParse(manifestSchema, json);
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

/** Names in a damaged manifest may be anybody's. */
function oneLine(text: string): string {
  return quoteOutside(text).slice(1, -1);
}

function damagedError(keyset: string, where: string, why: string, cause: unknown): JwtrotError {
  return new JwtrotError(
    'refused',
    'manifest-damaged',
    `the manifest of keyset ${keyset} in ${where} is damaged: ${why}; nothing was changed`,
    { hint: 'restore it from a backup; the revisions before it may be older than what services hold', cause },
  );
}

function assertSchema(json: unknown, keyset: string, where: string): void {
  const schema = (json as { schema?: unknown } | null)?.schema;
  if (typeof schema !== 'number' || schema <= 1) return;
  throw new JwtrotError(
    'refused',
    'manifest-schema',
    `the manifest of keyset ${keyset} in ${where} has schema ${schema}; this jwtrot knows 1; nothing was changed`,
    { hint: 'upgrade jwtrot on this host' },
  );
}
