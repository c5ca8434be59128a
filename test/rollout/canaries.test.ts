import { describe, expect, it } from 'vitest';
import { JwtrotError } from '../../src/keyset/basics/error.js';
import type { Key } from '../../src/keyset/manifest/key.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { RunCanaries } from '../../src/rollout/canaries.js';
import { withProving } from '../../src/rollout/proving.js';

const NOW = 1_000_000_000_000;

/** Keys k1 (active), k2 (pending) and what is changed of them, of which the store has what it is said to have. */
function scene(
  keys: readonly Partial<Record<keyof Key, unknown>>[],
  unwrap: (kid: string) => Uint8Array = () => new Uint8Array([1, 2, 3]),
  stored: (thumbprint: string) => object | null = (kid) => ({ kid }),
) {
  const manifest = {
    keys: keys.map((key, i) => ({
      kid: `k${i + 1}`,
      thumbprint: `k${i + 1}`,
      alg: 'ES256',
      hasPrivate: true,
      publishedAt: NOW,
      confirmedAt: null,
      droppedAt: null,
      goneAt: null,
      ...key,
    })),
  } as unknown as Manifest;
  const said: string[] = [];
  const opened: { kid: string; privateKey: Uint8Array; closed: boolean }[] = [];
  let ids = 0;
  const context = {
    name: 'api',
    policy: { clockSkew: 60_000, alg: 'ES256' },
    clock: { now: () => NOW },
    newId: () => `id-${++ids}`,
    report: (event: { text?: string }) => said.push(event.text ?? ''),
    store: { getKey: async (_: string, thumbprint: string) => stored(thumbprint), description: 'the store' },
    wrapper: { unwrap: async ({ kid }: { kid: string }) => unwrap(kid) },
    assertMatches: async () => {},
    openSigner: async (privateKey: Uint8Array, { kid }: { kid: string }) => {
      const one = { kid, privateKey, closed: false };
      opened.push(one);
      const sign = async (claims: object, typ: string | null) =>
        `${kid} ${typ}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.AAAAAAAA`;
      return {
        sign,
        close: () => {
          one.closed = true;
        },
      };
    },
  };
  const canaries = new RunCanaries(
    () => context as never,
    () => manifest,
    () => true,
  );
  return { canaries, said, opened };
}

const claimsOf = (signed: object) =>
  JSON.parse(Buffer.from((signed as { token: string }).token.split('.')[1] ?? '', 'base64url').toString()) as object;
const BARE = { claims: {}, typ: null };
const LIKE = { claims: { aud: 'api' }, typ: 'at+jwt' };
const PAIR = [{ state: 'active' }, { state: 'pending' }] as const;

describe('A canary', () => {
  it('is fresh, short-lived and told from a real token, by clocks that differ', async () => {
    const { canaries } = scene(PAIR);
    const first = claimsOf(await canaries.sign('k1', LIKE));
    expect(first).toEqual({
      aud: 'api',
      sub: 'jwtrot-canary',
      jti: 'id-1',
      iat: NOW / 1000 - 60,
      exp: NOW / 1000 - 60 + 60 + 120,
    });
    expect(claimsOf(await canaries.sign('k1', LIKE))).toEqual({ ...first, jti: 'id-2' });
  });

  it('takes a private key out once for probes that overlap, overwrites it when it is open, and closes it when none is left', async () => {
    const { canaries, opened } = scene(PAIR);
    const isClosed = () => opened.map(({ closed }) => closed);
    await canaries.during(async () => {
      await Promise.all([
        canaries.sign('k1', BARE),
        canaries.during(() => canaries.sign('k1', BARE)),
        canaries.sign('k2', BARE),
      ]);
      expect(opened.map(({ kid, privateKey }) => [kid, ...privateKey])).toEqual([
        ['k1', 0, 0, 0],
        ['k2', 0, 0, 0],
      ]);
      expect(isClosed()).toEqual([false, false]);
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isClosed()).toEqual([true, true]);
    await expect(
      canaries.during(() => canaries.sign('k1', BARE).then(() => Promise.reject(new Error('cut off')))),
    ).rejects.toThrow('cut off');
    await new Promise((resolve) => setImmediate(resolve));
    expect(isClosed()).toEqual([true, true, true]);
  });

  it('of a key whose private half is gone is left out, and that is said once', async () => {
    const { canaries, said } = scene([
      { state: 'active' },
      { state: 'retired', hasPrivate: false },
      { state: 'deprecated', hasPrivate: false },
    ]);
    expect(await canaries.sign('k2', BARE)).toEqual({ gone: true });
    expect(await canaries.sign('k2', BARE)).toEqual({ gone: true });
    expect(await canaries.sign('k3', BARE)).toEqual({ gone: true });
    expect(said).toEqual([
      'no canary of k2: its private half is not there; whether verifiers reject it is not shown',
      'no canary of k3: its private half is not there; whether verifiers accept it is not shown',
    ]);
    const over = scene([
      { state: 'destroyed', hasPrivate: false },
      { state: 'retired', hasPrivate: false, droppedAt: NOW },
    ]);
    for (const kid of ['k1', 'k2', 'unknown']) expect(await over.canaries.sign(kid, BARE)).toEqual({ gone: true });
    expect(over.said).toEqual([]);
    expect([...canaries.unshown, ...over.canaries.unshown]).toEqual(['k2']);
  });

  const FOUR = [{ state: 'active' }, { state: 'pending' }, { state: 'retired' }, { state: 'deprecated' }] as const;

  it('of a key that is there and can not be unwrapped is a fault, whatever its state, with what to do', async () => {
    const refused = () => {
      throw new JwtrotError('refused', 'kek-wrong', 'another KEK', { hint: 'restore the former' });
    };
    const { canaries, said } = scene(FOUR, refused);
    const mended = { fault: 'no canary can be signed: another KEK; restore the former' };
    for (const kid of ['k1', 'k2', 'k4']) expect(await canaries.sign(kid, BARE)).toEqual(mended);
    expect(await canaries.sign('k3', BARE)).toEqual({
      fault: 'no canary can be signed: another KEK; mend that, or give this proof up: jwtrot retire --kid k3 --purge',
    });
    expect([...canaries.unshown]).toEqual([]);
    expect(said).toEqual([]);
  });

  it('of a key whose secret the store has lost is a fault only while the key is to sign', async () => {
    const { canaries } = scene(FOUR, undefined, () => null);
    for (const kid of ['k1', 'k2'])
      expect(await canaries.sign(kid, BARE)).toEqual({
        fault: expect.stringContaining(`the private key of ${kid} is not in`),
      });
    for (const kid of ['k3', 'k4']) expect(await canaries.sign(kid, BARE)).toEqual({ gone: true });
    expect([...canaries.unshown]).toEqual(['k3']);
  });

  it('waits while KMS is away, and is signed when it is back', async () => {
    let away = true;
    const { canaries } = scene([{ state: 'active' }, { state: 'retired' }], () => {
      if (away) throw new JwtrotError('store', 'kms-failed', 'KMS is away');
      return new Uint8Array(3);
    });
    expect(await canaries.sign('k2', BARE)).toEqual({ fault: 'no canary can be signed: KMS is away' });
    away = false;
    expect(await canaries.sign('k2', BARE)).toHaveProperty('token');
  });

  it('is not shown of a pending key before it is published and the instance was reloaded', () => {
    const { canaries } = scene([
      { state: 'active' },
      { state: 'pending' },
      { state: 'pending', publishedAt: null },
      { state: 'pending', confirmedAt: NOW },
      { state: 'retired' },
    ]);
    const shown = () => ['k1', 'k2', 'k3', 'k4', 'k5', 'unknown'].filter((kid) => canaries.mayShow(kid, 'gateway/a'));
    expect(shown()).toEqual(['k1', 'k4', 'k5']);
    canaries.reloading('gateway/b')();
    const done = canaries.reloading('gateway/a');
    expect(shown()).toEqual(['k1', 'k4', 'k5']);
    done();
    expect(shown()).toEqual(['k1', 'k2', 'k4', 'k5']);
  });

  it.each([
    ['none', 'a verifier without a reload is told by the publication', ['k1', 'k2']],
    ['http', 'one that is reloaded by that, if it succeeds', ['k1']],
  ])('with reload %s: %s', async (type, _, expected) => {
    const { canaries } = scene([{ state: 'active' }, { state: 'pending' }]);
    const at = 'gateway/a';
    const shown = () => ['k1', 'k2'].filter((kid) => canaries.mayShow(kid, at));
    const port = {
      service: { name: 'gateway', reload: { type } },
      probe: async () => ({ ok: false, reason: 'unasked' }),
      reload: async () => ({ ok: type === 'http' && reloads }),
    };
    let reloads = false;
    const [proved] = withProving([port as never], { canaries, published: () => [], now: () => 0, clockSkew: 0 });
    const [instance, signal] = [{ name: 'a', address: null }, new AbortController().signal];
    await proved!.probe(instance, signal);
    await proved!.reload(instance, signal);
    expect(shown()).toEqual(expected);
    reloads = true;
    await proved!.reload(instance, signal);
    expect(shown()).toEqual(['k1', 'k2']);
  });

  it('as a control has the active kid and a signature with one bit turned over; a random kid where no key is active', async () => {
    const { canaries } = scene(PAIR);
    const control = await canaries.control(LIKE);
    expect(control).toHaveProperty('token', expect.stringMatching(/^k1 at\+jwt\.[\w-]+\.AAAA(?!AAAA$)/));
    const none = scene([{ state: 'pending' }]);
    const [header = ''] = ((await none.canaries.control(LIKE)) as { token: string }).token.split('.');
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual({
      alg: 'ES256',
      kid: 'id-1',
      typ: 'at+jwt',
    });
    expect(none.opened).toEqual([]);
  });
});
