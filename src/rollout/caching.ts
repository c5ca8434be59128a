import { cachedLonger } from '../keyset/caching.js';
import { isFirstKey } from '../keyset/due.js';
import { JwtrotError } from '../keyset/error.js';
import { activeKeyBeingRetired } from '../keyset/incident.js';
import { activeKey } from '../keyset/projection.js';
import type { Run } from './run.js';

/**
 * Before a key is made that is to sign, and again before it does: no server may let the JWKS be cached for longer than
 * the policy says. Only said, not refused, where no other key was ever in it: what nobody has fetched nobody has cached,
 * and without its first key nobody can sign. An incident does not ask.
 * @param kid the key that is to sign; null when it is yet to be made
 * @throws JwtrotError `jwks-cached-longer`
 */
export async function assertCacheable({ context, ledger }: Run, kid: string | null): Promise<void> {
  const { manifest } = ledger;
  if (manifest === null || activeKeyBeingRetired(manifest) !== null) return;
  // Nothing signs yet: there is nothing published that a server could answer with.
  if (kid === null && activeKey(manifest) === null) return;
  const found = cachedLonger(context.policy, await context.outlets.cacheable(context.signal));
  if (found === null) return;
  const { message, hint } = found;
  if (kid !== null && isFirstKey(manifest, kid)) {
    const text = `${message}; nobody can have cached it without the first key, but the next rotation is refused: ${hint}`;
    context.report({ type: 'note', keyset: context.name, level: 'warning', text });
    return;
  }
  const active = activeKey(manifest);
  const signs = active === null ? 'no key signs' : `v${active.version} ${active.kid} signs on`;
  throw new JwtrotError('refused', 'jwks-cached-longer', `keyset ${context.name}: ${message}; ${signs}`, { hint });
}
