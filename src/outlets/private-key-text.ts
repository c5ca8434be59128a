import { assertMatches } from '../keys/matches.js';
import { toPkcs8Pem, toPrivateJwk } from '../keys/private-key.js';
import type { OutletContent } from '../keyset/published/jwk-set.js';
import type { DeliverFormat } from './configured.js';

/** The private key as it is delivered; null: there is none to deliver. The caller overwrites it. */
export async function privateKeyText(
  format: DeliverFormat,
  { active }: Pick<OutletContent, 'active'>,
  privateKey: () => Promise<Uint8Array>,
): Promise<Buffer | null> {
  if (active === null) return null;
  const key = await privateKey();
  assertMatches(key, active.publicJwk, active.kid);
  return format === 'jwk' ? toPrivateJwk(key, active) : toPkcs8Pem(key);
}
