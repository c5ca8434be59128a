import { publicJwkFromSpki, toSpkiPem } from '../keys/public-key.js';
import { thumbprintOf } from '../keys/thumbprint.js';
import type { Holding } from '../keyset/projection.js';
import type { PublishFormat } from './outlet.js';
import { readJwks } from './read-jwks.js';

/** What an outlet holds, closer than the port shows it. */
export interface Sight {
  readonly keys: Holding['keys'];
  readonly intact: boolean;
  /** Something is there that is no key and no key set: not jwtrot's, unless a mark says otherwise. */
  readonly foreign: boolean;
  /** The text, if it is public. */
  readonly text: string | null;
  /** `alg` of a delivered JWK. */
  readonly alg: string | null;
}

export const NOTHING: Sight = { keys: null, intact: false, foreign: false, text: null, alg: null };
export const UNREADABLE: Sight = { keys: [], intact: false, foreign: true, text: null, alg: null };

/** What a published text holds. `intact` is about the text alone. */
export async function sightOfText(text: string, format: PublishFormat): Promise<Sight> {
  if (text.trim() === '') return { ...UNREADABLE, foreign: false, text };
  if (format === 'pem') return sightOfPem(text);
  const read = await readJwks(text);
  if (read === null) return { ...UNREADABLE, text };
  return { keys: read.keys, intact: read.exact, foreign: read.foreign, text, alg: null };
}

async function sightOfPem(text: string): Promise<Sight> {
  try {
    const publicJwk = publicJwkFromSpki(text);
    const keys = [{ kid: null, thumbprint: await thumbprintOf(publicJwk) }];
    return { keys, intact: toSpkiPem(publicJwk) === text, foreign: false, text, alg: null };
  } catch {
    return { ...UNREADABLE, text };
  }
}
