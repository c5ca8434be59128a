// The same suites against moto, an emulator by others: `npm run test:aws` (scripts/test-aws.js). Not part of `npm test`.
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { describe, expect, it } from 'vitest';
import { JwtrotError } from '../../src/keyset/basics/error.js';
import type { Store } from '../../src/store/store.js';
import type { Wrapper } from '../../src/wrap/wrapper.js';
import { storeConformance } from '../conformance/store.js';
import { commit } from '../conformance/store-commits.js';
import { wrapperConformance } from '../conformance/wrapper.js';
import { firstManifest, nextManifest } from '../support/manifest.js';
import { newPrefix, openStore, settingsFor, storeUnderTest, wrapperUnderTest } from './target.js';

const endpoint = process.env['JWTROT_TEST_AWS_ENDPOINT'];
if (endpoint === undefined) throw new Error('set JWTROT_TEST_AWS_ENDPOINT, or run npm run test:aws');

/** moto is one slow process: sixteen racers keep it busy. */
const PATIENT = { connection: 5_000, request: 10_000, attempts: 3, method: 40_000, settle: 15_000 };

/** moto takes AWSCURRENT from a version that is put once more as AWSPENDING; AWS ignores the repetition. */
const offered = new Set<string>();
function withoutRepetition(store: Store): Store {
  return {
    ...store,
    async commitManifest(manifest, base) {
      const id = manifest.commits.at(-1)?.id ?? '';
      if (!offered.has(id)) {
        offered.add(id);
        return store.commitManifest(manifest, base);
      }
      const newest = await store.readManifest(manifest.name);
      return newest?.manifest.commits.some((one) => one.id === id) === true ? { ...newest, manifest } : null;
    },
  };
}

storeConformance(
  'Secrets Manager, by moto,',
  async () => {
    const made = await storeUnderTest(endpoint, PATIENT);
    const another = async () => withoutRepetition(await made.another());
    return { ...made, store: withoutRepetition(made.store), another };
  },
  { damage: true },
);

/** moto looks for the KMS key that the ciphertext's first bytes name, and denies when there is none; AWS calls it invalid. */
function withInvalidCiphertext(wrapper: Wrapper): Wrapper {
  return {
    ...wrapper,
    unwrap: (key, context) =>
      wrapper.unwrap(key, context).catch((error: unknown) => {
        if (!(error instanceof JwtrotError && error.code === 'aws-denied')) {
          throw error;
        }
        throw new JwtrotError('refused', 'wrong-context', 'moto denied an invalid ciphertext', { cause: error });
      }),
  };
}

let keyId: Promise<string> | undefined;
async function newKey(): Promise<string> {
  const { region = '', credentials } = settingsFor(endpoint ?? '');
  const client = new KMSClient({ endpoint: endpoint ?? '', region, ...(credentials && { credentials }) });
  const { KeyMetadata } = await client.send(new CreateKeyCommand({}));
  client.destroy();
  return KeyMetadata?.Arn ?? '';
}
wrapperConformance('KMS, by moto,', async () => {
  keyId ??= newKey();
  const made = await wrapperUnderTest(endpoint, await keyId);
  const another = async () => withInvalidCiphertext(await made.another());
  return { wrapper: withInvalidCiphertext(made.wrapper), another };
});

describe('Secrets Manager, by moto,', () => {
  it('takes a long row of commits', async () => {
    const prefix = newPrefix();
    const store = openStore(endpoint, prefix, PATIENT);
    let base = await commit(store, firstManifest('api'), null);
    for (let count = 0; count < 30; count++) base = await commit(store, nextManifest(base.manifest), base);
    expect((await store.readManifest('api'))?.manifest).toEqual(base.manifest);
  });
});
