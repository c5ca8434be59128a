import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createSecretsManagerStore } from '../../src/store/secrets-manager/store.js';
import { createKmsWrapper } from '../../src/wrap/kms.js';
import { thumbprintOf } from '../support/manifest.js';
import { clock } from './clock.js';
import { type AwsServer, startAwsServer } from './server.js';
import { newPrefix, openStore, QUICK, settingsFor } from './target.js';

const CONTEXT = { keyset: 'api', kid: 'a-kid', alg: 'ES256' } as const;
const SLOW = 20_000;

let server: AwsServer;
beforeAll(async () => {
  server = await startAwsServer();
});
afterAll(() => server.close());

function endless(pace?: number): void {
  server.fail({ operation: '*', mode: 'endless', ...(pace === undefined ? {} : { pace }) });
  onTestFinished(() => server.heal());
}

const calls = [
  [
    'Secrets Manager GetSecretValue',
    (limits: typeof QUICK, givenUp?: AbortSignal) => {
      const store = openStore(server.endpoint, 'jwtrot', limits);
      return (givenUp === undefined ? store : store.until!(givenUp)).readManifest('api');
    },
  ],
  [
    'KMS Encrypt',
    (limits: typeof QUICK, givenUp?: AbortSignal) => {
      const wrapper = createKmsWrapper({ ...settingsFor(server.endpoint, limits), keyId: 'alias/jwtrot' });
      onTestFinished(() => wrapper.close());
      return wrapper.wrap(new Uint8Array(8), CONTEXT, givenUp);
    },
  ],
] as const;

describe.each(calls)(
  'an answer without end of %s',
  (operation, call) => {
    it('is a passing failure when it is too large, and is read no further', async () => {
      endless();
      const began = performance.now();
      await expect(call({ ...QUICK, request: 60_000, method: 60_000 })).rejects.toMatchObject({
        kind: 'store',
        code: 'aws-failing',
        message: expect.stringMatching(
          new RegExp(
            `^${operation} of \\S+ got no usable answer: "AnswerTooLarge: it has more than 16 MiB"; nothing was`,
          ),
        ),
        hint: expect.stringContaining('check what answers there'),
      });
      expect(performance.now() - began).toBeLessThan(15_000);
      await expect.poll(() => server.endless()).toBe(0);
    });

    it('is aborted when its time is over, however little comes', async () => {
      endless(2_000);
      await expect(call({ ...QUICK, request: 200, attempts: 2 })).rejects.toMatchObject({ code: 'aws-unreachable' });
      await expect.poll(() => server.endless()).toBe(0);
    });

    it('is aborted when it is given up, and not asked for again', async () => {
      endless(2_000);
      const givenUp = new AbortController();
      const asked = call({ ...QUICK, request: 60_000, method: 60_000 }, givenUp.signal);
      const ended = expect(asked).rejects.toThrow('given up');
      await expect.poll(() => server.endless(), { timeout: SLOW }).toBe(1);
      givenUp.abort(new Error('given up'));
      await ended;
      await expect.poll(() => server.endless()).toBe(0);
    });
  },
  30_000,
);

it('asks for nothing once it is given up', async () => {
  const before = server.calls('GetSecretValue');
  const store = openStore(server.endpoint, 'jwtrot').until!(AbortSignal.abort(new Error('given up')));
  await expect(store.readManifest('api')).rejects.toThrow('given up');
  expect(server.calls('GetSecretValue')).toBe(before);
});

it('bounds what STS answers too', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'jwtrot-aws-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  onTestFinished(() => void vi.unstubAllEnvs());
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
  await writeFile(join(folder, 'token'), 'a-token');
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'none'));
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'none'));
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', join(folder, 'token'));
  vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::111122223333:role/rotator');
  vi.stubEnv('AWS_ENDPOINT_URL', server.endpoint);
  endless();
  const limits = { ...QUICK, request: 60_000, method: 60_000 };
  const store = createSecretsManagerStore({ prefix: newPrefix(), env: process.env, clock, thumbprintOf, limits });
  onTestFinished(() => store.close());
  const asked = server.calls('GetSecretValue');
  await expect(store.readManifest('api')).rejects.toMatchObject({
    code: 'aws-failing',
    message: expect.stringContaining('AnswerTooLarge'),
  });
  expect(server.calls('GetSecretValue')).toBe(asked);
  await expect.poll(() => server.endless()).toBe(0);
}, 30_000);
