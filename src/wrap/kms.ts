import { JwtrotError } from '../keyset/error.js';
import type { KeyContext, WrappedKey } from '../keyset/wrapped-key.js';
import { type AwsSettings, limitsOf, regionOf, within } from '../outside/aws.js';
import { awsError, awsName } from '../outside/aws-error.js';
import type { EncryptionContext, KmsConnection } from './kms-client.js';
import type { Wrapper } from './wrapper.js';

export interface KmsOptions extends AwsSettings {
  /** A symmetric key: its id, ARN, or `alias/NAME`. An ARN's region comes before all other settings. */
  readonly keyId: string;
}

/**
 * Wraps private keys by KMS itself (`kms:Encrypt`, at most 4,096 bytes: an RSA-4096 PKCS#8 has 2,376). The SDK makes a
 * base64 string of what it sends and receives, which JavaScript can't overwrite; the buffers are overwritten.
 */
export function createKmsWrapper(options: KmsOptions): Wrapper {
  const { keyId, clock } = options;
  const limits = limitsOf(options);
  const region = regionOfArn(keyId) ?? regionOf(options);
  const settings: AwsSettings = region === undefined ? options : { ...options, region };
  let connection: Promise<KmsConnection> | null = null;

  async function call<T>(
    operation: 'Encrypt' | 'Decrypt',
    resource: string,
    work: (kms: KmsConnection, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    connection ??= import('./kms-client.js').then((client) => client.connectKms(settings));
    const kms = await connection;
    try {
      return await within(clock, limits.method, (signal) => work(kms, signal));
    } catch (cause) {
      throw awsError(cause, { service: 'KMS', operation, resource });
    }
  }

  return {
    description: `KMS ${keyId}${region === undefined ? '' : ` in ${region}`}`,
    async wrap(privateKey, context) {
      const bound = encryptionContext(context);
      const reply = await call('Encrypt', keyId, (kms, signal) => kms.encrypt(keyId, privateKey, bound, signal));
      const ciphertext = Buffer.from(reply.ciphertext).toString('base64');
      return { kid: context.kid, alg: context.alg, kmsKeyId: reply.keyId, context: bound, ciphertext };
    },
    async unwrap(key, context) {
      const { kmsKeyId, ciphertext, bound } = opened(key, context);
      const plaintext = await call('Decrypt', kmsKeyId, (kms, signal) =>
        kms.decrypt(kmsKeyId, ciphertext, bound, signal),
      ).catch((error: unknown) => {
        throw CIPHERTEXT.has(awsName(error)) ? notThisKey(context, error) : error;
      });
      // The SDK's buffer may lie in a pool that others share.
      const own = new Uint8Array(plaintext);
      plaintext.fill(0);
      return own;
    },
    close() {
      connection?.then((kms) => kms.close()).catch(() => undefined);
      connection = null;
    },
  };
}

/** What KMS answers when the ciphertext, its context or its key is not the one it was made with. */
const CIPHERTEXT = new Set(['InvalidCiphertextException', 'IncorrectKeyException']);

/** In the clear in CloudTrail. */
function encryptionContext({ keyset, kid, alg }: KeyContext): EncryptionContext {
  return { 'jwtrot:keyset': keyset, 'jwtrot:kid': kid, 'jwtrot:alg': alg };
}

/** What Decrypt needs, with the context of the key that was asked for: the stored one proves nothing. */
function opened(key: WrappedKey, context: KeyContext) {
  if ('jwe' in key) {
    throw new JwtrotError(
      'refused',
      'wrong-wrapper',
      `key ${context.kid} of keyset ${context.keyset} was wrapped under a local KEK, not by KMS; nothing was changed`,
      { hint: 'set wrap: { type: local, … } as it was when the key was made' },
    );
  }
  const bound = encryptionContext(context);
  const stored = { ...key.context, kid: key.kid, alg: key.alg };
  const same = Object.entries({ ...bound, kid: context.kid, alg: context.alg }).every(
    ([name, value]) => (stored as Record<string, string>)[name] === value,
  );
  if (!same) throw notThisKey(context);
  return { kmsKeyId: key.kmsKeyId, ciphertext: Buffer.from(key.ciphertext, 'base64'), bound };
}

function notThisKey({ keyset, kid, alg }: KeyContext, cause?: unknown): JwtrotError {
  return new JwtrotError(
    'refused',
    'wrong-context',
    `the stored ciphertext is not that of key ${kid} (${alg}) of keyset ${keyset}; it was not used`,
    { hint: 'somebody changed the store: look who, and make a new key with jwtrot rotate --force', cause },
  );
}

/** `arn:aws:kms:eu-central-1:111122223333:key/…` */
function regionOfArn(keyId: string): string | undefined {
  return /^arn:[^:]*:kms:([^:]+):/.exec(keyId)?.[1];
}
