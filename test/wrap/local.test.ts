import { createDecipheriv } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { KeyContext, WrappedKey } from '../../src/keyset/manifest/wrapped-key.js';
import { createLocalWrapper } from '../../src/wrap/local.js';
import { wrapperConformance } from '../conformance/wrapper.js';
import { newPair } from '../support/manifest.js';
import { makeLocal, temporaryFolder, UID } from './local-made.js';

wrapperConformance('a KEK in a file', async () => {
  const { wrapper, client } = await makeLocal();
  return { wrapper, another: async () => client() };
});

wrapperConformance('a KEK in a systemd credential', async () => {
  const directory = await temporaryFolder();
  await writeFile(join(directory, 'kek'), Buffer.alloc(32, 5), { mode: 0o400 });
  const client = () =>
    createLocalWrapper({ kek: { credential: 'kek', directory }, mayCreateKek: async () => false, uid: UID });
  return { wrapper: client(), another: async () => client() };
});

const CONTEXT: KeyContext = { keyset: 'api', kid: 'the-kid', alg: 'ES256' };

function jweOf(wrapped: WrappedKey): string {
  if (!('jwe' in wrapped)) throw new Error('not a JWE');
  return wrapped.jwe;
}

describe('a locally wrapped key', () => {
  it('is a JWE as RFC 7516 has it: opened here without jose', async () => {
    const { wrapper, path } = await makeLocal();
    const { privateKey } = await newPair();
    const [header = '', none, iv = '', ciphertext = '', tag = ''] = jweOf(
      await wrapper.wrap(privateKey, CONTEXT),
    ).split('.');
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({
      alg: 'dir',
      enc: 'A256GCM',
      kid: expect.stringMatching(/^[A-Za-z0-9_-]{16}$/),
      'jwtrot:keyset': 'api',
      'jwtrot:kid': 'the-kid',
      'jwtrot:alg': 'ES256',
    });
    expect(none).toBe('');
    const kek = Buffer.from((await readFile(path, 'utf8')).trim(), 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', kek, Buffer.from(iv, 'base64url'));
    decipher.setAAD(Buffer.from(header)).setAuthTag(Buffer.from(tag, 'base64url'));
    const opened = Buffer.concat([decipher.update(ciphertext, 'base64url'), decipher.final()]);
    expect(new Uint8Array(opened)).toEqual(privateKey);
  });

  it('is refused under another KEK, which is told from damage', async () => {
    const { wrapper, client } = await makeLocal();
    const other = await makeLocal();
    const { privateKey } = await newPair();
    const wrapped = await wrapper.wrap(privateKey, CONTEXT);
    await other.wrapper.wrap(privateKey, CONTEXT);
    await expect(other.wrapper.unwrap(wrapped, CONTEXT)).rejects.toMatchObject({
      kind: 'refused',
      code: 'kek-wrong',
      hint: expect.stringContaining(`restore the former ${other.path} from its backup`),
    });
    const jwe = jweOf(wrapped);
    const damaged = { kid: wrapped.kid, alg: wrapped.alg, jwe: `${jwe.slice(0, -8)}${'A'.repeat(8)}` };
    await expect(client().unwrap(damaged, CONTEXT)).rejects.toMatchObject({ kind: 'refused', code: 'key-damaged' });
  });

  it('is refused as another key of the same KEK', async () => {
    const { wrapper } = await makeLocal();
    const { privateKey } = await newPair();
    const { jwe } = { jwe: jweOf(await wrapper.wrap(privateKey, CONTEXT)) };
    const other = { ...CONTEXT, kid: 'other-kid' };
    const passedOff = wrapper.unwrap({ kid: 'other-kid', alg: 'ES256', jwe }, other);
    await expect(passedOff).rejects.toMatchObject({ kind: 'refused', code: 'key-mismatch' });
  });

  it('shows no byte of the KEK or the private key in an error, its cause included', async () => {
    const { wrapper, path } = await makeLocal();
    const { privateKey } = await newPair();
    const jwe = jweOf(await wrapper.wrap(privateKey, CONTEXT));
    const error: unknown = await wrapper
      .unwrap({ kid: 'the-kid', alg: 'ES256', jwe: `${jwe}A` }, CONTEXT)
      .catch((e) => e);
    const { inspect } = await import('node:util');
    const text = inspect(error, { depth: 9, showHidden: true });
    expect(text).toContain('key-damaged');
    expect(text).not.toContain((await readFile(path, 'utf8')).trim());
    expect(text).not.toContain(Buffer.from(privateKey.subarray(36, 60)).toString('base64url'));
  });
});
