import { JwtrotError } from '../keyset/basics/error.js';
import { recoverHint, tellHint } from '../rollout/other-history.js';
import type { Suspicion } from './suspicion.js';

/** The error for a verb that would print what the store says. */
export function refusalOf(
  { why, text, untold, knownAs = untold, isDoubtful }: Suspicion,
  keyset: string,
  store: string,
): JwtrotError {
  const hint = knownAs === undefined ? recoverHint(keyset) : tellHint(knownAs);
  if (why === 'record-damaged') return new JwtrotError('refused', why, text, { hint });
  if (isDoubtful) {
    const message = `${store} may have answered with an old copy of keyset ${keyset}: ${text}; nothing was printed`;
    return new JwtrotError('leased', 'stale-replica', message, { hint: `run it again later; ${hint}` });
  }
  const message = `${store} holds another history of keyset ${keyset} than this host knows: ${text}; nothing was printed`;
  return new JwtrotError('refused', 'other-history', message, { hint });
}
