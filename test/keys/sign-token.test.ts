import { compactVerify, decodeProtectedHeader, importJWK } from 'jose';
import { describe, expect, it } from 'vitest';
import { generateKey } from '../../src/keys/generate.js';
import { tokenSigner } from '../../src/keys/sign-token.js';
import { ALGORITHM_NAMES } from '../../src/keyset/basics/algorithm.js';

describe('A token', () => {
  it.each(ALGORITHM_NAMES)('is signed with %s as its verifiers expect', async (alg) => {
    const { publicJwk, privateKey } = await generateKey(alg, 2048);
    const sign = tokenSigner(privateKey, { kid: 'k-1', alg });
    // The caller overwrites the key once the signer is there.
    privateKey.fill(0);
    const token = await sign({ sub: 'x', n: 1 }, null);
    expect(decodeProtectedHeader(token)).toEqual({ alg, kid: 'k-1' });
    const key = await importJWK({ ...publicJwk }, alg);
    const { payload } = await compactVerify(token, key, { algorithms: [alg] });
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual({ sub: 'x', n: 1 });
    expect(decodeProtectedHeader(await sign({}, 'at+jwt'))).toEqual({ alg, kid: 'k-1', typ: 'at+jwt' });
  });
});
