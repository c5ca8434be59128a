import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { KeyContext, WrappedKey } from '../../src/keyset/manifest/wrapped-key.js';
import type { Wrapper } from '../../src/wrap/wrapper.js';

export interface WrapperUnderTest {
  readonly wrapper: Wrapper;
  /** One more wrapper under the same KEK, as another process would have. */
  another(): Promise<Wrapper>;
}

const CONTEXT: KeyContext = { keyset: 'api', kid: 'ZyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLKJ', alg: 'ES256' };

const der = (pair: { privateKey: { export(o: { format: 'der'; type: 'pkcs8' }): Buffer } }): Uint8Array =>
  new Uint8Array(pair.privateKey.export({ format: 'der', type: 'pkcs8' }));
const p256 = der(generateKeyPairSync('ec', { namedCurve: 'P-256' }));

/** The encrypted part with one character changed. */
function tamper(key: WrappedKey, at: (length: number) => number): WrappedKey {
  const flip = (text: string): string => {
    const index = at(text.length);
    return `${text.slice(0, index)}${text[index] === 'A' ? 'B' : 'A'}${text.slice(index + 1)}`;
  };
  return 'jwe' in key ? { ...key, jwe: flip(key.jwe) } : { ...key, ciphertext: flip(key.ciphertext) };
}

const refused = { name: 'JwtrotError', kind: 'refused' };

/** What every implementation of `Wrapper` passes. `make` is called once in each test; clean up with `onTestFinished`. */
export function wrapperConformance(name: string, make: () => Promise<WrapperUnderTest>): void {
  describe(`${name} is a wrapper`, () => {
    it.each([
      ['P-256', p256],
      ['Ed25519', der(generateKeyPairSync('ed25519'))],
      ['RSA-4096 by size', new Uint8Array(2376).fill(7)],
    ])('gives back the very bytes, to another process too: %s', async (_, privateKey) => {
      const { wrapper, another } = await make();
      const given = privateKey.slice();
      const wrapped: WrappedKey = JSON.parse(JSON.stringify(await wrapper.wrap(given, CONTEXT)));
      expect(given).toEqual(privateKey);
      expect(wrapped).toMatchObject({ kid: CONTEXT.kid, alg: CONTEXT.alg });
      expect(new Uint8Array(await wrapper.unwrap(wrapped, CONTEXT))).toEqual(privateKey);
      expect(new Uint8Array(await (await another()).unwrap(wrapped, CONTEXT))).toEqual(privateKey);
    });

    it('shows nothing of the private key', async () => {
      const { wrapper } = await make();
      const text = JSON.stringify(await wrapper.wrap(p256, CONTEXT));
      for (const encoding of ['base64', 'base64url', 'hex'] as const) {
        // From the middle, on a multiple of three bytes: the part that holds the secret scalar.
        expect(text).not.toContain(Buffer.from(p256.subarray(36, 60)).toString(encoding));
      }
    });

    it('never wraps twice to the same bytes', async () => {
      const { wrapper } = await make();
      const all = await Promise.all(Array.from({ length: 8 }, () => wrapper.wrap(p256, CONTEXT)));
      expect(new Set(all.map((one) => JSON.stringify(one))).size).toBe(8);
    });

    it('hands out a buffer of its own each time', async () => {
      const { wrapper } = await make();
      const wrapped = await wrapper.wrap(p256, CONTEXT);
      (await wrapper.unwrap(wrapped, CONTEXT)).fill(0);
      expect(new Uint8Array(await wrapper.unwrap(wrapped, CONTEXT))).toEqual(p256);
    });

    it('takes any kid that an imported key may have', async () => {
      const { wrapper } = await make();
      const context = { ...CONTEXT, kid: '2024 "signing" key/ü' };
      const wrapped = await wrapper.wrap(p256, context);
      expect(new Uint8Array(await wrapper.unwrap(wrapped, context))).toEqual(p256);
    });

    it.each([{ keyset: 'web' }, { kid: 'another' }, { alg: 'ES384' as const }])(
      'does not pass a key off as another: %o',
      async (other) => {
        const { wrapper } = await make();
        const wrapped = await wrapper.wrap(p256, CONTEXT);
        const asked = { ...CONTEXT, ...other };
        await expect(wrapper.unwrap(wrapped, asked)).rejects.toMatchObject(refused);
        // Nor when the stored record was relabelled to match.
        const relabelled = { ...wrapped, kid: asked.kid, alg: asked.alg };
        await expect(wrapper.unwrap(relabelled, asked)).rejects.toMatchObject(refused);
        if ('context' in wrapped) {
          const context = { 'jwtrot:keyset': asked.keyset, 'jwtrot:kid': asked.kid, 'jwtrot:alg': asked.alg };
          await expect(wrapper.unwrap({ ...relabelled, context }, asked)).rejects.toMatchObject(refused);
        }
      },
    );

    it('refuses a record whose label is not what was asked for', async () => {
      const { wrapper } = await make();
      const wrapped = await wrapper.wrap(p256, CONTEXT);
      await expect(wrapper.unwrap({ ...wrapped, kid: 'another' }, CONTEXT)).rejects.toMatchObject(refused);
      await expect(wrapper.unwrap({ ...wrapped, alg: 'RS256' }, CONTEXT)).rejects.toMatchObject(refused);
    });

    it('tells a key that another kind of wrapper has wrapped', async () => {
      const { wrapper } = await make();
      const { kid, alg } = CONTEXT;
      const ofKms: WrappedKey = { kid, alg, kmsKeyId: 'alias/jwtrot', context: {}, ciphertext: 'AAAA' };
      const ofKek: WrappedKey = { kid, alg, jwe: 'e30..AAAA.AAAA.AAAA' };
      const others = 'jwe' in (await wrapper.wrap(p256, CONTEXT)) ? ofKms : ofKek;
      await expect(wrapper.unwrap(others, CONTEXT)).rejects.toMatchObject({ ...refused, code: 'wrong-wrapper' });
    });

    it.each([
      ['the beginning', () => 3],
      ['the middle', (length: number) => Math.floor(length / 2)],
      ['the end', (length: number) => length - 6],
    ])('refuses a ciphertext that was changed at %s', async (_, at) => {
      const { wrapper } = await make();
      const wrapped = await wrapper.wrap(p256, CONTEXT);
      await expect(wrapper.unwrap(tamper(wrapped, at), CONTEXT)).rejects.toMatchObject(refused);
    });

    it('refuses a ciphertext that was cut short, or is none', async () => {
      const { wrapper } = await make();
      const wrapped = await wrapper.wrap(p256, CONTEXT);
      for (const cut of [(text: string) => text.slice(0, text.length / 2), () => 'AAAA']) {
        const record =
          'jwe' in wrapped
            ? { ...wrapped, jwe: cut(wrapped.jwe) }
            : { ...wrapped, ciphertext: cut(wrapped.ciphertext) };
        await expect(wrapper.unwrap(record, CONTEXT)).rejects.toMatchObject(refused);
      }
    });

    it('says what it is, for people', async () => {
      const { wrapper } = await make();
      expect(wrapper.description).toMatch(/\S/);
      wrapper.close();
    });
  });
}
