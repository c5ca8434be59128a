import { JwtrotError } from '../../keyset/error.js';
import { activeKey, jwkSetText, toJwkSet } from '../../keyset/projection.js';
import { onlyKeyset } from '../only-keyset.js';
import { open } from '../open.js';
import type { Verb } from '../verb.js';

/** `jwtrot jwks`: what is published, from the store. */
export const jwks: Verb<{ pem?: boolean }> = async (options, environment, output) => {
  const opened = await open(options, environment);
  const { store } = opened;
  const keyset = onlyKeyset(opened, 'jwks');
  const found = await store.readManifest(keyset.name);
  if (found === null) throw noKeyset(keyset.name, store.description);
  if (options.pem !== true) {
    output.result(jwkSetText(toJwkSet(found.manifest)));
    return 0;
  }
  const active = activeKey(found.manifest);
  if (active?.publicJwk == null) {
    throw new JwtrotError('refused', 'no-active-key', `keyset ${keyset.name} has no active key`, {
      hint: 'jwtrot status',
    });
  }
  const { toSpkiPem } = await import('../../keys/public-key.js');
  const pem = toSpkiPem(active.publicJwk);
  if (output.json) output.document({ schema: 1, kid: active.kid, alg: active.alg, pem });
  else output.result(pem);
  return 0;
};

export function noKeyset(name: string, where: string): JwtrotError {
  return new JwtrotError('refused', 'no-keyset', `keyset ${name} does not exist in ${where}`, {
    hint: 'jwtrot rotate makes it; jwtrot import adopts a key that is in use',
  });
}
