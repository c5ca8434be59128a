import { JwtrotError } from '../keyset/basics/error.js';
import { own } from '../keyset/basics/foreign-json.js';
import type { KeyContext, WrappedKey } from '../keyset/manifest/wrapped-key.js';
import { type AwsSettings, limitsOf, regionOf, within } from '../outside/aws.js';
import { awsError, awsName } from '../outside/aws-error.js';
import type { EncryptionContext, KmsConnection } from './kms-client.js';
import type { Wrapper } from './wrapper.js';

export interface KmsOptions extends AwsSettings {
  /** A symmetric key: its id, ARN, or `alias/NAME`. An ARN's region overrides all other settings. */
  readonly keyId: string;
}

/**
 * Wraps private keys directly with `kms:Encrypt`, which takes at most 4,096 bytes (an RSA-4096 key in PKCS#8 has 2,376).
 * The SDK turns what it sends and receives into base64 strings, which can't be overwritten; the buffers are.
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
    givenUp?: AbortSignal,
  ): Promise<T> {
    connection ??= import('./kms-client.js').then((client) => client.connectKms(settings));
    const kms = await connection;
    try {
      return await within(clock, limits.method, (signal) => work(kms, signal), givenUp);
    } catch (cause) {
      throw awsError(cause, { service: 'KMS', operation, resource });
    }
  }

  return {
    description: `KMS ${keyId}${region === undefined ? '' : ` in ${region}`}`,
    async wrap(privateKey, context, givenUp) {
      const bound = encryptionContext(context);
      const encrypt = (kms: KmsConnection, signal: AbortSignal) => kms.encrypt(keyId, privateKey, bound, signal);
      const reply = await call('Encrypt', keyId, encrypt, givenUp);
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
      // The SDK's buffer may be part of a shared pool.
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

/** KMS returns one of these when the ciphertext doesn't belong to the context or the key. */
const CIPHERTEXT = new Set(['InvalidCiphertextException', 'IncorrectKeyException']);

/** CloudTrail logs it in the clear. */
function encryptionContext({ keyset, kid, alg }: KeyContext): EncryptionContext {
  return { 'jwtrot:keyset': keyset, 'jwtrot:kid': kid, 'jwtrot:alg': alg };
}

/** The input of Decrypt, with the context of the requested key: the stored context proves nothing. */
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
    ([name, value]) => own<string>(stored, name) === value,
  );
  if (!same) throw notThisKey(context);
  return { kmsKeyId: key.kmsKeyId, ciphertext: Buffer.from(key.ciphertext, 'base64'), bound };
}

function notThisKey({ keyset, kid, alg }: KeyContext, cause?: unknown): JwtrotError {
  return new JwtrotError(
    'refused',
    'wrong-context',
    `the stored ciphertext is not that of key ${kid} (${alg}) of keyset ${keyset}; it was not used`,
    { hint: 'somebody changed the store: find out who, and make a new key with jwtrot rotate --force', cause },
  );
}

/** @param keyId such as `arn:aws:kms:eu-central-1:111122223333:key/…` */
function regionOfArn(keyId: string): string | undefined {
  return /^arn:[^:]*:kms:([^:]+):/.exec(keyId)?.[1];
}
