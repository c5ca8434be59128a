import { JwtrotError } from '../../keyset/basics/error.js';
import { jwkSetText, toJwkSet } from '../../keyset/published/jwk-set.js';
import { activeKey } from '../../keyset/questions/keys.js';
import { onlyKeyset } from '../only-keyset.js';
import { open } from '../open.js';
import { refuseOther } from '../other-history.js';
import type { Verb } from '../verb.js';

/** `jwtrot jwks`: prints what is published, from the store. */
export const jwks: Verb<{ pem?: boolean }> = async (options, environment, output) => {
  const opened = await open(options, environment, 'looks');
  const { store } = opened;
  const keyset = onlyKeyset(opened, 'jwks');
  const found = await store.readManifest(keyset.name);
  await refuseOther(opened, environment, keyset, found?.manifest ?? null);
  if (found === null) throw noKeyset(keyset.name, store.description);
  if (options.pem !== true) {
    output.block(jwkSetText(toJwkSet(found.manifest)));
    return 0;
  }
  const active = activeKey(found.manifest);
  if (active === null) {
    throw new JwtrotError('refused', 'no-active-key', `keyset ${keyset.name} has no active key`, {
      hint: 'jwtrot status',
    });
  }
  const { toSpkiPem } = await import('../../keys/public-key.js');
  const pem = toSpkiPem(active.publicJwk);
  if (output.json) output.document({ schema: 1, kid: active.kid, alg: active.alg, pem });
  else output.block(pem);
  return 0;
};

function noKeyset(name: string, where: string): JwtrotError {
  return new JwtrotError('refused', 'no-keyset', `keyset ${name} does not exist in ${where}`, {
    hint: 'jwtrot rotate makes it; jwtrot import adopts a key that is in use',
  });
}
