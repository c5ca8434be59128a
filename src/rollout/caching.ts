import { JwtrotError } from '../keyset/basics/error.js';
import { cachedLonger } from '../keyset/questions/caching.js';
import { isFirstKey } from '../keyset/questions/due.js';
import { activeKeyBeingRetired } from '../keyset/questions/incidents.js';
import { activeKey } from '../keyset/questions/keys.js';
import type { Run } from './run.js';

/**
 * Refuses a new signing key while a server lets the JWKS be cached for longer than the policy says. Checked before the
 * key is made, and again before it signs. For a keyset's first key it only warns: nobody can have cached a set before
 * it, and without it nobody can sign. An incident does not ask.
 * @param kid the key that is to sign; null when it is yet to be made
 * @throws JwtrotError `jwks-cached-longer`
 */
export async function assertCacheable({ context, ledger }: Run, kid: string | null): Promise<void> {
  const { manifest } = ledger;
  if (manifest === null || activeKeyBeingRetired(manifest) !== null) return;
  // No key signs yet, so nothing is published that a server could answer with.
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
