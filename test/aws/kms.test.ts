import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { KmsWrappedKey } from '../../src/keyset/manifest/wrapped-key.js';
import { createKmsWrapper } from '../../src/wrap/kms.js';
import { wrapperConformance } from '../conformance/wrapper.js';
import { type AwsServer, startAwsServer } from './server.js';
import { settingsFor, wrapperUnderTest } from './target.js';

let server: AwsServer;
beforeAll(async () => {
  server = await startAwsServer();
});
afterAll(() => server.close());

const CONTEXT = { keyset: 'api', kid: 'a-kid', alg: 'RS256' } as const;
const SECRET = new Uint8Array(1_216).map((_, index) => (index * 31) % 256);

async function wrapped(): Promise<{ key: KmsWrappedKey; unwrap: (key: KmsWrappedKey) => Promise<Uint8Array> }> {
  const { wrapper } = await wrapperUnderTest(server.endpoint, 'alias/jwtrot');
  const key = await wrapper.wrap(SECRET, CONTEXT);
  if ('jwe' in key) throw new Error('KMS made a JWE');
  return { key, unwrap: (one) => wrapper.unwrap(one, CONTEXT) };
}

wrapperConformance('KMS, by alias,', () => wrapperUnderTest(server.endpoint, 'alias/jwtrot'));

describe('keys wrapped by KMS', () => {
  it('name the key itself, not the alias, and the context that is in CloudTrail', async () => {
    const { key } = await wrapped();
    expect(key).toEqual({
      kid: 'a-kid',
      alg: 'RS256',
      kmsKeyId: server.keyId,
      context: { 'jwtrot:keyset': 'api', 'jwtrot:kid': 'a-kid', 'jwtrot:alg': 'RS256' },
      ciphertext: expect.stringMatching(/^[A-Za-z0-9+/]+=*$/),
    });
  });

  it('are refused without a call when the stored context is another', async () => {
    const { key, unwrap } = await wrapped();
    const before = server.calls('Decrypt');
    const context = { ...key.context, 'jwtrot:keyset': 'web' };
    await expect(unwrap({ ...key, context })).rejects.toMatchObject({ kind: 'refused', code: 'wrong-context' });
    expect(server.calls('Decrypt')).toBe(before);
  });

  it('are refused when the ciphertext is under another KMS key than the one that is named', async () => {
    const { key, unwrap } = await wrapped();
    const { KeyMetadata } = server.kms.CreateKey({}) as { KeyMetadata: { Arn: string } };
    await expect(unwrap({ ...key, kmsKeyId: KeyMetadata.Arn })).rejects.toMatchObject({
      kind: 'refused',
      code: 'wrong-context',
    });
  });

  it('wait for their KMS key while it is disabled', async () => {
    const { key, unwrap } = await wrapped();
    server.kms.DisableKey({ KeyId: server.keyId });
    onTestFinished(() => void server.kms.EnableKey({ KeyId: server.keyId }));
    await expect(unwrap(key)).rejects.toMatchObject({
      kind: 'store',
      code: 'kms-key-disabled',
      hint: `aws kms enable-key --key-id ${server.keyId}`,
    });
    server.kms.EnableKey({ KeyId: server.keyId });
    expect(await unwrap(key)).toEqual(SECRET);
  });

  it('survive a lost reply: nothing is stored by KMS', async () => {
    const { key, unwrap } = await wrapped();
    onTestFinished(() => server.heal());
    server.fail({ operation: 'Decrypt', nth: 1, mode: 'lost-reply' });
    expect(await unwrap(key)).toEqual(SECRET);
  });

  it('are asked for in the region of the ARN that was configured', async () => {
    const wrapper = createKmsWrapper({ ...settingsFor(server.endpoint), region: 'us-east-1', keyId: server.keyId });
    onTestFinished(() => wrapper.close());
    expect(wrapper.description).toBe(`KMS ${server.keyId} in eu-central-1`);
    expect(await wrapper.unwrap(await wrapper.wrap(SECRET, CONTEXT), CONTEXT)).toEqual(SECRET);
  });
});
