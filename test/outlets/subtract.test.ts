import { beforeAll, describe, expect, it } from 'vitest';
import { toSpkiPem } from '../../src/keys/public-key.js';
import { jwkSetText, type OutletContent } from '../../src/keyset/published/jwk-set.js';
import { takenOut } from '../../src/outlets/outcome.js';
import { type Sight, sightOfText, UNREADABLE } from '../../src/outlets/sight.js';
import { goneKeys, withoutKeys } from '../../src/outlets/subtract.js';
import { newPair, type TestPair } from '../support/manifest.js';
import { contentOf } from './support.js';

const JWKS = { kind: 'publish', format: 'jwks', isCommand: false } as const;
const PEM = { kind: 'publish', format: 'pem', isCommand: false } as const;
const KEY = { kind: 'deliver', format: 'jwk', isCommand: false } as const;

let leaked: TestPair;
let other: TestPair;
let both: OutletContent;
let gone: { kid: string; thumbprint: string }[];
beforeAll(async () => {
  [leaked, other] = [await newPair(), await newPair()];
  both = contentOf(1, [leaked, other]);
  gone = [{ kid: both.jwks.keys[0]!.kid, thumbprint: leaked.thumbprint }];
});

const held = (keys: readonly object[]) => sightOfText(`${JSON.stringify({ keys }, null, 2)}\n`, 'jwks');
const textOf = async (sight: Sight, allowEmpty = false) => {
  const remainder = await withoutKeys(JWKS, sight, gone, allowEmpty);
  return remainder.type === 'less' ? remainder.bytes?.toString('utf8') : remainder;
};

describe('a JWK Set without a key', () => {
  it('keeps the others to the byte, as jwtrot writes them', async () => {
    const sight = await sightOfText(jwkSetText(both.jwks), 'jwks');
    expect(await textOf(sight)).toBe(jwkSetText({ keys: both.jwks.keys.slice(1) }));
  });

  it('keeps what nobody knows, and adds nothing', async () => {
    const stranger = { kty: 'AKP', kid: 'post-quantum', more: { constructor: [1] } };
    const sight = await held([stranger, both.jwks.keys[0]!]);
    expect(await textOf(sight)).toBe(`${JSON.stringify({ keys: [stranger] }, null, 2)}\n`);
  });

  it('loses it under whatever kid it is there, and whatever else has its kid', async () => {
    const [key] = both.jwks.keys;
    const renamed = { ...key, kid: 'renamed' };
    const { kid: _kid, ...nameless } = key!;
    const impostor = { ...both.jwks.keys[1]!, kid: gone[0]!.kid };
    const sight = await held([renamed, nameless, impostor, both.jwks.keys[1]!]);
    expect(await textOf(sight)).toBe(jwkSetText({ keys: both.jwks.keys.slice(1) }));
  });

  it('stays when it would be empty, unless that was asked for', async () => {
    const sight = await held([both.jwks.keys[0]!]);
    expect(await textOf(sight)).toMatchObject({ type: 'stays', why: expect.stringContaining('the only key there') });
    expect(await textOf(sight, true)).toBe('{\n  "keys": []\n}\n');
  });

  it('that does not hold it is not written', async () => {
    expect(await textOf(await held([both.jwks.keys[1]!]))).toEqual({ type: 'nothing' });
    expect(await textOf(await held([]))).toEqual({ type: 'nothing' });
    expect(await textOf(await sightOfText('', 'jwks'))).toEqual({ type: 'nothing' });
  });

  it.each(['garbage', '{"keys":7}', '[]', `{"keys":[${'['.repeat(100)}`])(
    'that can not be read stays: %.20s',
    async (text) => {
      expect(await textOf(await sightOfText(text, 'jwks'))).toMatchObject({ type: 'stays' });
    },
  );
});

describe('a file that holds one key', () => {
  it('goes when it is that one, by its thumbprint', async () => {
    const pem = await sightOfText(toSpkiPem(leaked.publicJwk), 'pem');
    const taken = [gone[0]!.kid];
    expect(await withoutKeys(PEM, pem, gone, false)).toEqual({ type: 'less', bytes: null, taken });
    const delivered = { ...UNREADABLE, foreign: false, keys: [{ kid: null, thumbprint: leaked.thumbprint }] };
    expect(await withoutKeys(KEY, delivered, gone, false)).toEqual({ type: 'less', bytes: null, taken });
  });

  it('is said to be gone, not to be as it was', () => {
    const less = { type: 'less', taken: ['k1'] } as const;
    expect(takenOut({ ...less, bytes: null }, gone)).toBe(
      'has lost k1: it held nothing else, and its file was removed',
    );
    expect(takenOut({ ...less, bytes: Buffer.from('{}') }, gone)).toBe('has lost k1, and is otherwise as it was');
  });

  it('stays when it is another, or can not be read', async () => {
    const pem = await sightOfText(toSpkiPem(other.publicJwk), 'pem');
    expect(await withoutKeys(PEM, pem, gone, false)).toEqual({ type: 'nothing' });
    expect(await withoutKeys(KEY, UNREADABLE, gone, false)).toMatchObject({ type: 'stays' });
  });

  it('of a command can only become another one', async () => {
    const pem = await sightOfText(toSpkiPem(leaked.publicJwk), 'pem');
    expect(await withoutKeys({ ...PEM, isCommand: true }, pem, gone, false)).toMatchObject({ type: 'stays' });
  });
});

describe('keys that are to go', () => {
  it('are those of incidents that have left the JWKS: one that still signs waits for its replacement', () => {
    const retiring = [...gone, { kid: 'k9', thumbprint: 't9' }];
    expect(goneKeys({ ...both, retiring })).toEqual([{ kid: 'k9', thumbprint: 't9' }]);
    expect(goneKeys({ ...both, retiring, jwks: { keys: both.jwks.keys.slice(1) } })).toEqual(retiring);
  });
});
