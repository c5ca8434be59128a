import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AwsServer, startAwsServer } from './server.js';

let server: AwsServer;
beforeEach(async () => {
  server = await startAwsServer();
});
afterEach(() => server.close());

/** A call as the SDK makes it; the reply, or AWS's name for the error. */
async function call(operation: string, input: object, endpoint = server.endpoint): Promise<Record<string, unknown>> {
  const headers = { 'X-Amz-Target': `secretsmanager.${operation}`, Authorization: 'AWS4-HMAC-SHA256 Credential=x' };
  const reply = await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify(input) });
  return (await reply.json()) as Record<string, unknown>;
}

const [A, B, C] = ['a', 'b', 'c'].map((letter) => letter.repeat(32)) as [string, string, string];
const put = (token: string, stages?: string[], text = token) =>
  call('PutSecretValue', { SecretId: 's', SecretString: text, ClientRequestToken: token, VersionStages: stages });
const move = (from: string | undefined, to: string) =>
  call('UpdateSecretVersionStage', {
    SecretId: 's',
    VersionStage: 'AWSCURRENT',
    RemoveFromVersionId: from,
    MoveToVersionId: to,
  });
const stages = async () => (await call('DescribeSecret', { SecretId: 's' }))['VersionIdsToStages'];

describe('the tests’ own AWS', () => {
  beforeEach(async () => {
    await call('CreateSecret', { Name: 's', SecretString: 'one', ClientRequestToken: A });
  });

  it('moves a stage only from the version that has it', async () => {
    await put(B, ['AWSPENDING']);
    await put(C, ['AWSPENDING']);
    expect(await stages()).toEqual({ [A]: ['AWSCURRENT'], [C]: ['AWSPENDING'] });
    expect(await move(undefined, B)).toMatchObject({ __type: 'InvalidParameterException' });
    expect(await move(C, B)).toMatchObject({ __type: 'InvalidParameterException' });
    expect(await move(A, B)).toMatchObject({ Name: 's' });
    expect(await move(A, B)).toMatchObject({ __type: 'InvalidParameterException' });
    expect(await move(A, C)).toMatchObject({ __type: 'InvalidParameterException' });
    expect(await stages()).toEqual({ [A]: ['AWSPREVIOUS'], [B]: ['AWSCURRENT'], [C]: ['AWSPENDING'] });
  });

  it('makes the first version current, and a later one only when asked', async () => {
    await call('CreateSecret', { Name: 'empty', ClientRequestToken: A });
    expect(await call('GetSecretValue', { SecretId: 'empty' })).toMatchObject({ __type: 'ResourceNotFoundException' });
    const first = { SecretId: 'empty', SecretString: 'x', ClientRequestToken: B, VersionStages: ['AWSPENDING'] };
    expect((await call('PutSecretValue', first))['VersionStages']).toEqual(['AWSPENDING', 'AWSCURRENT']);
  });

  it('takes the same token with the same content, and no other', async () => {
    await put(B);
    expect(await put(B)).toMatchObject({ VersionId: B });
    expect(await put(B, undefined, 'other')).toMatchObject({ __type: 'ResourceExistsException' });
    expect(await put('short')).toMatchObject({ __type: 'InvalidParameterException' });
    const again = { Name: 's', SecretString: 'one', ClientRequestToken: A };
    expect(await call('CreateSecret', again)).toMatchObject({ VersionId: A });
    expect(await call('CreateSecret', { ...again, SecretString: 'two' })).toMatchObject({
      __type: 'ResourceExistsException',
    });
  });

  it('has limits: bytes, stages, names, windows', async () => {
    expect(await put(B, undefined, 'x'.repeat(65_536))).toMatchObject({ VersionId: B });
    expect(await put(C, undefined, 'x'.repeat(65_537))).toMatchObject({ __type: 'ValidationException' });
    const many = Array.from({ length: 19 }, (_, index) => `L${index}`);
    expect(await put(C, many)).toMatchObject({ __type: 'LimitExceededException' });
    const name = { SecretString: 'x', ClientRequestToken: A };
    expect(await call('CreateSecret', { ...name, Name: 'a b' })).toMatchObject({ __type: 'ValidationException' });
    const remove = { SecretId: 's', RecoveryWindowInDays: 6 };
    expect(await call('DeleteSecret', remove)).toMatchObject({ __type: 'InvalidParameterException' });
    expect(
      await call('DeleteSecret', { ...remove, RecoveryWindowInDays: 7, ForceDeleteWithoutRecovery: true }),
    ).toMatchObject({
      __type: 'InvalidParameterException',
    });
  });

  it('refuses everything but a look, a restore and force of what is scheduled for deletion', async () => {
    await call('DeleteSecret', { SecretId: 's', RecoveryWindowInDays: 7 });
    for (const reply of [await put(B), await move(A, A), await call('GetSecretValue', { SecretId: 's' })]) {
      expect(reply).toMatchObject({ __type: 'InvalidRequestException' });
    }
    expect(await call('DescribeSecret', { SecretId: 's' })).toHaveProperty('DeletedDate');
    expect(await call('ListSecrets', {})).toMatchObject({ SecretList: [] });
    await call('RestoreSecret', { SecretId: 's' });
    expect(await call('GetSecretValue', { SecretId: 's' })).toMatchObject({ SecretString: 'one' });
  });

  it('fails the call that it was told to fail, and counts all', async () => {
    server.fail({ operation: 'GetSecretValue', nth: 2, mode: 'denied' });
    const replies = [];
    for (let count = 0; count < 3; count++) replies.push((await call('GetSecretValue', { SecretId: 's' }))['__type']);
    expect(replies).toEqual([undefined, 'AccessDeniedException', undefined]);
    expect(server.calls('GetSecretValue')).toBe(3);
  });

  it('answers from before its newest write when told to', async () => {
    await put(B);
    server.fail({ operation: 'GetSecretValue', nth: 1, mode: 'stale' });
    expect(await call('GetSecretValue', { SecretId: 's' })).toMatchObject({ SecretString: 'one' });
    expect(await call('GetSecretValue', { SecretId: 's' })).toMatchObject({ SecretString: B });
  });
});

describe('the tests’ own AWS as a process', () => {
  it('is steered over HTTP and ends with its parent', async () => {
    const main = fileURLToPath(new URL('server-main.js', import.meta.url));
    const child: ChildProcessByStdio<Writable, Readable, null> = spawn(process.execPath, [main], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { endpoint, keyId } = JSON.parse(line.toString()) as { endpoint: string; keyId: string };
    expect(keyId).toMatch(/^arn:aws:kms:eu-central-1:/);
    const steer = (body: object) => fetch(`${endpoint}/_control`, { method: 'POST', body: JSON.stringify(body) });
    expect((await steer({ fail: { operation: 'CreateSecret', nth: 1, mode: 'denied' } })).status).toBe(200);
    expect((await steer({ fail: { operation: 'CreateSecret', mode: 'nonsense' } })).status).toBe(400);
    const create = { Name: 's', SecretString: 'x', ClientRequestToken: randomUUID() };
    expect(await call('CreateSecret', create, endpoint)).toMatchObject({ __type: 'AccessDeniedException' });
    expect(await call('CreateSecret', create, endpoint)).toMatchObject({ Name: 's' });
    await steer({ advance: 60_000, replace: { name: 's', text: 'y' } });
    const state = (await (await fetch(`${endpoint}/_control`)).json()) as Record<string, unknown>;
    expect(state).toMatchObject({ calls: { CreateSecret: 2 }, secrets: [{ name: 's', deletionDate: null }] });
    expect(Number(state['now']) - Date.now()).toBeGreaterThan(50_000);
    child.stdin.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
