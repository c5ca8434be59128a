import { createHash } from 'node:crypto';
import { publicJwkFromSpki, toSpkiPem } from '../keys/public-key.js';
import { thumbprintOf } from '../keys/thumbprint.js';
import type { Holding } from '../keyset/published/jwk-set.js';
import type { Told } from '../keyset/published/told.js';
import type { PublishFormat } from './configured.js';
import type { HeldKey } from './outlet.js';
import { readJwks } from './read-jwks.js';

/** What an outlet holds, in more detail than the port shows. */
export interface Sight {
  readonly keys: readonly HeldKey[] | null;
  readonly intact: boolean;
  /** It holds neither a key nor a key set, so it is not jwtrot's unless a record says otherwise. */
  readonly foreign: boolean;
  /** False also for an empty file. */
  readonly isThere: boolean;
  /** SHA-256 of what is there, hex; null: nothing is there, or it can't be read. */
  readonly sha256: string | null;
  /** The text; null: it is not public, or nothing is there. */
  readonly text: string | null;
  /** `alg` of a delivered JWK. */
  readonly alg: string | null;
  /** What a delivered JWK tells its signer; null: nothing. */
  readonly told: Told | null;
  readonly busyUntil?: Holding['busyUntil'];
  /** Why its keys can't be told, for a person. */
  readonly problem?: string;
}

export const NOTHING: Sight = {
  keys: null,
  intact: false,
  foreign: false,
  isThere: false,
  sha256: null,
  text: null,
  alg: null,
  told: null,
};
/** Something is there, but nothing is known about it. */
export const UNREADABLE: Sight = { ...NOTHING, keys: [], foreign: true, isThere: true };

export function sha256Of(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What a published text holds. `intact` judges the text alone. */
export async function sightOfText(text: string, format: PublishFormat): Promise<Sight> {
  const there = { ...UNREADABLE, sha256: sha256Of(text), text };
  if (text.trim() === '') return { ...there, foreign: false, isThere: false };
  if (format === 'pem') return sightOfPem(text, there);
  const read = await readJwks(text);
  return read === null ? there : { ...there, keys: read.keys, intact: read.exact, foreign: read.foreign };
}

async function sightOfPem(text: string, there: Sight): Promise<Sight> {
  try {
    const publicJwk = publicJwkFromSpki(text);
    const keys = [{ kid: null, thumbprint: await thumbprintOf(publicJwk), publicJwk, alg: null }];
    return { ...there, keys, intact: toSpkiPem(publicJwk) === text, foreign: false };
  } catch {
    return there;
  }
}
