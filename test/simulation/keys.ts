import type { GeneratedKey } from '../../src/keys/generate.js';
import { ALGORITHMS, type Algorithm } from '../../src/keyset/basics/algorithm.js';
import { JwtrotError } from '../../src/keyset/basics/error.js';
import type { PublicJwk } from '../../src/keyset/manifest/key.js';
import type { WrappedKey } from '../../src/keyset/manifest/wrapped-key.js';
import type { Wrapper } from '../../src/wrap/wrapper.js';
import type { Runner } from './runner.js';
import type { World } from './world.js';

/** Of the length of a thumbprint, so that manifests pass their own check. */
function thumbprintOf(number: number): string {
  return `k${number}`.padEnd(43, '-');
}

/** `k7`: the short name in a history. */
export function short(kid: string | null | undefined): string {
  return kid == null ? 'none' : kid.replace(/-+$/, '');
}

export function publicJwkOf(alg: Algorithm, thumbprint: string): PublicJwk {
  const { kty, crv }: { kty: string; crv?: string } = ALGORITHMS[alg];
  return kty === 'EC' ? { kty, crv: crv ?? '', x: thumbprint, y: 'y' } : { kty: 'OKP', crv: crv ?? '', x: thumbprint };
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

/** Pairs whose private half names the public one: that shows whether the right one arrives. */
export class SimKeys {
  made = 0;
  readonly algs = new Map<string, Algorithm>();

  constructor(private readonly world: World) {}

  make(alg: Algorithm): GeneratedKey {
    this.made += 1;
    const thumbprint = thumbprintOf(this.made);
    this.algs.set(thumbprint, alg);
    return { publicJwk: publicJwkOf(alg, thumbprint), thumbprint, privateKey: bytesOf(thumbprint) };
  }

  generate(runner: Runner): (alg: Algorithm) => Promise<GeneratedKey> {
    return (alg) => this.world.call(runner, () => this.make(alg));
  }

  async assertMatches(privateKey: Uint8Array, publicJwk: PublicJwk, kid: string): Promise<void> {
    if ('x' in publicJwk && Buffer.from(privateKey).toString() === publicJwk.x) return;
    throw new JwtrotError('refused', 'key-mismatch', `the private key is not the one of ${kid}`);
  }

  wrapper(runner: Runner): Wrapper {
    const { world } = this;
    const down = () => {
      if (world.strikes(runner.source, 'kms') !== null)
        throw new JwtrotError('store', 'kms-failed', 'the simulated KMS did not answer');
    };
    return {
      description: 'the simulated KMS',
      wrap: (privateKey, context) => {
        const jwe = `${context.keyset}|${context.kid}|${context.alg}|${Buffer.from(privateKey).toString()}`;
        return world.call(runner, (): WrappedKey => {
          down();
          return { kid: context.kid, alg: context.alg, jwe };
        });
      },
      unwrap: (key, context) =>
        world.call(runner, () => {
          down();
          const [keyset, kid, alg, secret] = 'jwe' in key ? key.jwe.split('|') : [];
          if (keyset !== context.keyset || kid !== context.kid || alg !== context.alg || secret === undefined) {
            throw new JwtrotError('refused', 'bad-ciphertext', 'it was wrapped for another key');
          }
          return bytesOf(secret);
        }),
      close() {},
    };
  }
}
