import { createHash } from 'node:crypto';
import { type Algorithm, isAlgorithm } from '../../keyset/basics/algorithm.js';
import { JwtrotError } from '../../keyset/basics/error.js';
import { decodeJson, isJsonObject, type Json } from '../../keyset/basics/foreign-json.js';
import { quoteOutside } from '../../keyset/basics/outside-text.js';
import { THUMBPRINT } from '../../keyset/manifest/model.js';
import type { NamedKey } from '../../keyset/recovery/evidence.js';
import { readGuarded } from '../../outside/read-file.js';
import { readProblemReason } from '../../outside/read-problem.js';

/** Bytes. Enough for a JWKS of all keys that a keyset ever had, or a list of their kids. */
const LONGEST = 1024 * 1024;
const SHORTEST_PREFIX = 8;

/**
 * What `--retired` names: a kid, a thumbprint, or a file with a JWK Set, a JWK, a PEM or a kid a line.
 * @throws JwtrotError kind `usage`
 */
export async function readRetired(values: readonly string[]): Promise<NamedKey[]> {
  const named: NamedKey[] = [];
  for (const value of values) named.push(...(THUMBPRINT.test(value) ? [byName(value)] : await kidOrFile(value)));
  return named;
}

async function kidOrFile(value: string): Promise<NamedKey[]> {
  if (value === '') throw unreadable(value, 'it names no key: was a variable unset?');
  const read = await readGuarded(value, { limit: LONGEST, links: 'follow' });
  if (read.ok) return keysIn(read.bytes, value);
  // A kid may be any text. Without such a file it is a kid, unless it looks like the path of a file that holds keys.
  if (read.problem.type === 'absent' && !/[/]|\.(?:txt|json|jwks?|pem|key|lst|csv)$/i.test(value))
    return [byName(value)];
  throw unreadable(value, readProblemReason(read.problem));
}

function byName(kid: string): NamedKey {
  const standIn = THUMBPRINT.test(kid)
    ? kid
    : createHash('sha256').update(`jwtrot: retired kid ${kid}`).digest('base64url');
  return { kid, thumbprint: null, standIn, alg: null, publicJwk: null };
}

async function keysIn(bytes: Buffer, file: string): Promise<NamedKey[]> {
  try {
    const text = bytes.toString('utf8');
    if (text.includes('-----BEGIN ')) return [await parsed(bytes)];
    if (text.trimStart().startsWith('{')) return await keysInJson(text, file);
    const kids = text.split(/\r?\n/).map((line) => line.trim());
    return kids.filter((kid) => kid !== '' && kid.length <= 256).map(byName);
  } finally {
    bytes.fill(0);
  }
}

async function keysInJson(text: string, file: string): Promise<NamedKey[]> {
  const decoded = decodeJson(text);
  if (!decoded.ok || !isJsonObject(decoded.value)) throw unreadable(file, 'it is damaged JSON');
  const { keys } = decoded.value;
  const entries = Array.isArray(keys) ? (keys as readonly Json[]) : [decoded.value];
  return Promise.all(entries.map((entry) => keyIn(entry, file)));
}

/** A key of an unknown type counts by its kid. */
async function keyIn(entry: Json, file: string): Promise<NamedKey> {
  const kid = isJsonObject(entry) ? entry['kid'] : undefined;
  try {
    return await parsed(Buffer.from(JSON.stringify(entry)));
  } catch (error) {
    if (typeof kid === 'string' && kid !== '') return byName(kid);
    throw error instanceof JwtrotError ? unreadable(file, error.message) : error;
  }
}

async function parsed(text: Buffer): Promise<NamedKey> {
  const { parseKey } = await import('../../keys/import-key.js');
  const { kid, alg, thumbprint, publicJwk, privateKey } = await parseKey(text, { kind: 'any' });
  privateKey?.fill(0);
  text.fill(0);
  const known: Algorithm | null = alg !== null && isAlgorithm(alg) ? alg : null;
  return { kid, thumbprint, standIn: thumbprint, alg: known, publicJwk };
}

function unreadable(file: string, why: string): JwtrotError {
  return new JwtrotError(
    'usage',
    'retired-unreadable',
    `--retired ${quoteOutside(file)}: ${why}; nothing was changed`,
    {
      hint: 'give a kid, a thumbprint, or a file with a JWK Set, a JWK, a PEM or one kid a line',
    },
  );
}

/** The first 8 or more characters of a kid stand for the only kid that begins with them. */
export function completed(named: readonly NamedKey[], kids: readonly string[]): NamedKey[] {
  return named.map((one) => {
    const { kid, thumbprint } = one;
    if (thumbprint !== null || kid === null || kid.length < SHORTEST_PREFIX || kids.includes(kid)) return one;
    const [found, ...others] = [...new Set(kids.filter((other) => other.startsWith(kid)))];
    return found !== undefined && others.length === 0 ? { ...one, kid: found } : one;
  });
}

/** The same for the beginning of a thumbprint. */
export function completedThumbprints(adopt: readonly string[], thumbprints: readonly string[]): string[] {
  return adopt.map((value) => {
    const [found, ...others] = thumbprints.filter((thumbprint) => thumbprint.startsWith(value));
    return found !== undefined && others.length === 0 ? found : value;
  });
}

/** @throws JwtrotError `bad-thumbprint` (exit 2) */
export function assertThumbprints(adopt: readonly string[]): void {
  const wrong = adopt.find((value) => !/^[A-Za-z0-9_-]{8,43}$/.test(value));
  if (wrong === undefined) return;
  throw new JwtrotError(
    'usage',
    'bad-thumbprint',
    `--adopt ${quoteOutside(wrong)} is no thumbprint: it has 43 characters of base64url, and ${SHORTEST_PREFIX} or more of its beginning stand for it; nothing was changed`,
    { hint: 'jwtrot store recover --dry-run shows the keys that it found; with --json, their thumbprints whole' },
  );
}
