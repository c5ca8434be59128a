import { randomUUID } from 'node:crypto';
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { onTestFinished } from 'vitest';
import type { AwsLimits, AwsSettings } from '../../src/outside/aws.js';
import { createSecretsManagerStore } from '../../src/store/secrets-manager/store.js';
import type { Store } from '../../src/store/store.js';
import { createKmsWrapper } from '../../src/wrap/kms.js';
import type { StoreUnderTest } from '../conformance/store.js';
import type { WrapperUnderTest } from '../conformance/wrapper.js';
import { thumbprintOf } from '../support/manifest.js';
import { clock } from './clock.js';
import type { AwsServer } from './server.js';

/** Short enough that a test of a silent server takes a moment, long enough for a busy machine. */
export const QUICK: Partial<AwsLimits> = {
  connection: 1_000,
  request: 1_500,
  attempts: 3,
  method: 8_000,
  settle: 4_000,
};

const REGION = 'eu-central-1';
const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'not-a-secret' };

export function settingsFor(endpoint: string, limits: Partial<AwsLimits> = QUICK): AwsSettings {
  return { env: {}, clock, region: REGION, endpoint, credentials: CREDENTIALS, limits };
}

export function newPrefix(): string {
  return `test-${randomUUID()}`;
}

export function openStore(endpoint: string, prefix: string, limits: Partial<AwsLimits> = QUICK): Store {
  const store = createSecretsManagerStore({ ...settingsFor(endpoint, limits), prefix, thumbprintOf });
  onTestFinished(() => store.close());
  return store;
}

/** Changes secrets behind the store's back. */
function damageOf(endpoint: string, prefix: string): NonNullable<StoreUnderTest['damage']> {
  const client = new SecretsManagerClient({ endpoint, region: REGION, credentials: CREDENTIALS });
  onTestFinished(() => client.destroy());
  const read = async (name: string) => {
    const reply = await client.send(new GetSecretValueCommand({ SecretId: name, VersionStage: 'AWSCURRENT' }));
    return reply.SecretString ?? '';
  };
  // By a stage move, since moto's PutSecretValue loses track of AWSCURRENT after one.
  const replace = async (SecretId: string, text: string) => {
    const now = await client.send(new GetSecretValueCommand({ SecretId, VersionStage: 'AWSCURRENT' }));
    const stages = { SecretId, SecretString: text, VersionStages: ['DAMAGED'] };
    const { VersionId: MoveToVersionId } = await client.send(new PutSecretValueCommand(stages));
    const move = { SecretId, VersionStage: 'AWSCURRENT', RemoveFromVersionId: now.VersionId, MoveToVersionId };
    await client.send(new UpdateSecretVersionStageCommand(move));
  };
  const key = (keyset: string, thumbprint: string) => `${prefix}/${keyset}/${thumbprint}/private`;
  return {
    manifestText: (keyset) => read(`${prefix}/${keyset}`),
    replaceManifest: (keyset, text) => replace(`${prefix}/${keyset}`, text),
    keyText: (keyset, thumbprint) => read(key(keyset, thumbprint)),
    replaceKey: (keyset, thumbprint, text) => replace(key(keyset, thumbprint), text),
  };
}

/** What the conformance suite needs, in a prefix of its own. */
export async function storeUnderTest(endpoint: string, limits: Partial<AwsLimits> = QUICK): Promise<StoreUnderTest> {
  const prefix = newPrefix();
  return {
    store: openStore(endpoint, prefix, limits),
    another: async () => openStore(endpoint, prefix, limits),
    damage: damageOf(endpoint, prefix),
  };
}

/** The same, with failures on demand. */
export async function failingStore(server: AwsServer, limits: Partial<AwsLimits> = QUICK): Promise<StoreUnderTest> {
  onTestFinished(() => server.heal());
  const operations = {
    commit: ['CreateSecret', 'UpdateSecretVersionStage'],
    put: ['CreateSecret'],
    delete: ['DeleteSecret'],
  } as const;
  return {
    ...(await storeUnderTest(server.endpoint, limits)),
    now: () => server.now(),
    faults: {
      next(mode, operation) {
        for (const one of operations[operation]) server.fail({ operation: one, nth: 1, mode });
      },
    },
  };
}

export async function wrapperUnderTest(endpoint: string, keyId: string): Promise<WrapperUnderTest> {
  const open = () => {
    const wrapper = createKmsWrapper({ ...settingsFor(endpoint), keyId });
    onTestFinished(() => wrapper.close());
    return wrapper;
  };
  return { wrapper: open(), another: async () => open() };
}
