import type { KeyObject } from 'node:crypto';
import { equalPublicJwks, publicJwkOfKey } from '../../keys/public-key.js';
import { readJwk } from '../../keys/read-jwk.js';
import { looksLikePem, readPem } from '../../keys/read-pem.js';
import { type Algorithm, isAlgorithm } from '../../keyset/basics/algorithm.js';
import { type Duration, SECOND } from '../../keyset/basics/clock.js';
import { isJsonObject, type Json } from '../../keyset/basics/foreign-json.js';
import { quoteOutside } from '../../keyset/basics/outside-text.js';
import type { PublicJwk } from '../../keyset/manifest/key.js';
import { notNow } from '../failures.js';
import type { KeysByKid, VerifyingKey } from '../key-set.js';
import type { SigningKey } from '../keys-in-memory.js';
import { signingKey } from '../signing-key.js';

/** A delivered private key. */
export interface KeyFile {
  readonly path: string;
  /** PKCS#8 DER, which the caller overwrites. */
  readonly privateKey: Uint8Array;
  readonly publicJwk: PublicJwk;
  /** Null: a PEM has none. */
  readonly kid: string | null;
  readonly alg: string | null;
  /** The keyset that it was delivered for; null: the file does not tell. */
  readonly keyset: string | null;
  readonly maxTokenTtl: Duration | null;
}

/** @throws KeyringError `bad-key-file`: half written, damaged, or no private key */
export function readKeyFile(bytes: Buffer, path: string): KeyFile {
  try {
    const isPem = looksLikePem(bytes);
    const { key, kid, alg, jwtrot } = isPem ? { key: readPem(bytes), ...OF_PEM } : readJwk(bytes, 'delivered');
    if (key.type !== 'private') throw new Error('it holds only a public key');
    return { path, privateKey: derOf(key), publicJwk: publicJwkOfKey(key), kid, alg, ...delivered(jwtrot) };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'it is no key';
    throw notNow('bad-key-file', `${quoteOutside(path)} can't be used: ${why}`, cause);
  }
}

const OF_PEM = { kid: null, alg: null, jwtrot: null };

function derOf(key: KeyObject): Uint8Array {
  return key.export({ format: 'der', type: 'pkcs8' });
}

/** The member `jwtrot` of a delivered JWK: `{ keyset, maxTokenTtl }`, the latter in seconds. */
function delivered(jwtrot: Json): Pick<KeyFile, 'keyset' | 'maxTokenTtl'> {
  const { keyset, maxTokenTtl } = isJsonObject(jwtrot) ? jwtrot : {};
  const isTime = typeof maxTokenTtl === 'number' && Number.isSafeInteger(maxTokenTtl) && maxTokenTtl > 0;
  return {
    keyset: typeof keyset === 'string' ? keyset : null,
    maxTokenTtl: isTime ? maxTokenTtl * SECOND : null,
  };
}

/** @throws KeyringError `other-keyset`, `key-not-published`, `bad-key-file` */
export async function signingKeyIn(file: KeyFile, keyset: string, verifying: KeysByKid): Promise<SigningKey> {
  const name = quoteOutside(file.path);
  if (file.keyset !== null && file.keyset !== keyset)
    throw notNow('other-keyset', `${name} holds a key of keyset ${quoteOutside(file.keyset)}`);
  const published = publishedKey(file, verifying);
  if (published === null)
    throw notNow('key-not-published', `the key in ${name} is not in the JWKS: nobody would accept its tokens`);
  const alg = algorithmOf(file, published);
  if (alg === null)
    throw notNow('bad-key-file', `which algorithm the key in ${name} signs with is said neither there nor in the JWKS`);
  return signingKey(file.privateKey, published, alg, name);
}

function publishedKey({ kid, publicJwk }: KeyFile, verifying: KeysByKid): VerifyingKey | null {
  const candidates = kid === null ? [...verifying.values()] : [verifying.get(kid)];
  return candidates.find((one) => one !== undefined && equalPublicJwks(one.publicJwk, publicJwk)) ?? null;
}

function algorithmOf({ alg }: KeyFile, published: VerifyingKey): Algorithm | null {
  if (published.alg !== null) return published.alg;
  if (isAlgorithm(alg)) return alg;
  const [only, ...others] = published.pinned.keys();
  return others.length === 0 && isAlgorithm(only) ? only : null;
}
