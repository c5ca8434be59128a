// Load this module lazily (`await import('./kms-client.js')`). Its static imports let the bundle keep only these SDK
// commands.
import { DecryptCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { type AwsSettings, clientSettings } from '../outside/aws.js';
import { boundAnswers } from '../outside/aws-answers.js';

export type EncryptionContext = Readonly<Record<string, string>>;

export interface KmsConnection {
  encrypt(
    keyId: string,
    plaintext: Uint8Array,
    context: EncryptionContext,
    signal: AbortSignal,
  ): Promise<{ readonly keyId: string; readonly ciphertext: Uint8Array }>;
  decrypt(keyId: string, ciphertext: Uint8Array, context: EncryptionContext, signal: AbortSignal): Promise<Uint8Array>;
  close(): void;
}

/** The connection's methods throw the SDK's errors. */
export function connectKms(settings: AwsSettings): KmsConnection {
  const client = new KMSClient(clientSettings(settings));
  boundAnswers(client.config.requestHandler, settings);
  return {
    async encrypt(keyId, plaintext, context, abortSignal) {
      const input = { KeyId: keyId, Plaintext: plaintext, EncryptionContext: { ...context } };
      const reply = await client.send(new EncryptCommand(input), { abortSignal });
      if (reply.CiphertextBlob === undefined) throw new SyntaxError('the reply holds no CiphertextBlob');
      return { keyId: reply.KeyId ?? keyId, ciphertext: reply.CiphertextBlob };
    },
    async decrypt(keyId, ciphertext, context, abortSignal) {
      const input = { KeyId: keyId, CiphertextBlob: ciphertext, EncryptionContext: { ...context } };
      const reply = await client.send(new DecryptCommand(input), { abortSignal });
      if (reply.Plaintext === undefined) throw new SyntaxError('the reply holds no Plaintext');
      return reply.Plaintext;
    },
    close: () => client.destroy(),
  };
}
