// Load this module lazily (`await import('./client.js')`): then a bundle keeps only these commands of the SDK.
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import type { Instant } from '../../keyset/basics/clock.js';
import { type AwsSettings, clientSettings } from '../../outside/aws.js';
import { boundAnswers } from '../../outside/aws-answers.js';
import { countUnheard } from '../../outside/aws-attempts.js';
import { awsError } from '../../outside/aws-error.js';
import type { SecretDescription, SecretsApi } from './api.js';
import type { ClockOffset } from './clock-offset.js';

export interface Connection {
  api(signal: AbortSignal): SecretsApi;
  close(): void;
}

const CURRENT = 'AWSCURRENT';
const PENDING = 'AWSPENDING';

const instant = (date: Date | undefined): Instant | null => date?.getTime() ?? null;

export function connect(settings: AwsSettings, offset: ClockOffset): Connection {
  const client = new SecretsManagerClient(clientSettings(settings));
  boundAnswers(client.config.requestHandler, settings);
  // Inside the SDK's retries, so it sees each attempt.
  client.middlewareStack.add(countUnheard, { step: 'finalizeRequest', priority: 'low' });
  // Before the answer is parsed, so even a refusal tells the time.
  client.middlewareStack.add(offset.watch, { step: 'deserialize', priority: 'low' });
  return { api: (signal) => apiOf(client, signal), close: () => client.destroy() };
}

function apiOf(client: SecretsManagerClient, abortSignal: AbortSignal): SecretsApi {
  const options = { abortSignal };
  /** Calls AWS. Throws our own error, with the SDK's error as its cause. */
  async function call<T>(operation: string, resource: string, send: () => Promise<T>, otherwise?: string): Promise<T> {
    try {
      return await send();
    } catch (cause) {
      const state = otherwise === undefined ? {} : { otherwise };
      throw awsError(cause, { service: 'Secrets Manager', operation, resource, ...state });
    }
  }
  return {
    async create(name, text, token, description) {
      const input = { Name: name, SecretString: text, ClientRequestToken: token, Description: description };
      const otherwise = 'it may have been created';
      const send = () => client.send(new CreateSecretCommand(input), options);
      const { $metadata } = await call('CreateSecret', name, send, otherwise);
      return ($metadata.attempts ?? 1) === 1;
    },
    async get(name, stage = CURRENT) {
      // Always name the stage: without it an emulator answers with another version.
      const input = { SecretId: name, VersionStage: stage };
      const reply = await call('GetSecretValue', name, () => client.send(new GetSecretValueCommand(input), options));
      return { text: reply.SecretString ?? null, version: reply.VersionId ?? '' };
    },
    async describe(name): Promise<SecretDescription> {
      const input = { SecretId: name };
      const reply = await call('DescribeSecret', name, () => client.send(new DescribeSecretCommand(input), options));
      const stages = Object.values(reply.VersionIdsToStages ?? {}).flat();
      return {
        deletedAt: instant(reply.DeletedDate),
        hasCurrent: stages.includes(CURRENT),
        primaryRegion: reply.PrimaryRegion ?? null,
        region: reply.ARN?.split(':')[3] ?? null,
      };
    },
    async putPending(name, text, token) {
      // Always name a stage: without one AWS would move AWSCURRENT, wherever it is.
      const input = { SecretId: name, SecretString: text, ClientRequestToken: token, VersionStages: [PENDING] };
      await call('PutSecretValue', name, () => client.send(new PutSecretValueCommand(input), options));
    },
    async moveCurrent(name, from, to) {
      const input = { SecretId: name, VersionStage: CURRENT, RemoveFromVersionId: from, MoveToVersionId: to };
      const send = () => client.send(new UpdateSecretVersionStageCommand(input), options);
      await call('UpdateSecretVersionStage', name, send, 'it may have been committed');
    },
    async remove(name, recoveryWindowDays) {
      const window =
        recoveryWindowDays === null
          ? { ForceDeleteWithoutRecovery: true }
          : { RecoveryWindowInDays: recoveryWindowDays };
      const send = () => client.send(new DeleteSecretCommand({ SecretId: name, ...window }), options);
      const reply = await call('DeleteSecret', name, send, 'its deletion may have been ordered');
      return instant(reply.DeletionDate);
    },
    async list(start, next, withDeleted) {
      const send = () =>
        client.send(
          new ListSecretsCommand({
            Filters: [{ Key: 'name', Values: [start] }],
            MaxResults: 100,
            IncludePlannedDeletion: withDeleted,
            ...(next === null ? {} : { NextToken: next }),
          }),
          options,
        );
      const reply = await call('ListSecrets', `${start}*`, send);
      const names = (reply.SecretList ?? []).flatMap((secret) => secret.Name ?? []);
      return { names, next: reply.NextToken ?? null };
    },
  };
}
