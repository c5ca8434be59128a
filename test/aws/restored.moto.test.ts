import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { beforeAll } from 'vitest';
import { restoredSecretSuite } from '../e2e/aws-restored.js';

const endpoint = process.env['JWTROT_TEST_AWS_ENDPOINT'] ?? '';
const region = 'eu-central-1';
let keyId = '';

beforeAll(async () => {
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not-a-secret' };
  const kms = new KMSClient({ endpoint, region, credentials });
  keyId = (await kms.send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? '';
  kms.destroy();
});

restoredSecretSuite('the named endpoint', () => ({ endpoint, keyId, region }));
