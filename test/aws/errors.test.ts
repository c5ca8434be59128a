import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { JwtrotError } from '../../src/keyset/basics/error.js';
import { createKmsWrapper } from '../../src/wrap/kms.js';
import { firstManifest } from '../support/manifest.js';
import { type AwsServer, type FaultRule, startAwsServer } from './server.js';
import { openStore, QUICK, settingsFor } from './target.js';

const HASTY = { ...QUICK, request: 300, attempts: 1, method: 2_000, settle: 500 };
const CONTEXT = { keyset: 'api', kid: 'a-kid', alg: 'ES256' } as const;

let server: AwsServer;
beforeAll(async () => {
  server = await startAwsServer();
});
afterAll(() => server.close());

async function failure(call: Promise<unknown>): Promise<JwtrotError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: 'JwtrotError', kind: 'store', exit: 3 });
  return error as JwtrotError;
}

function fail(rule: Omit<FaultRule, 'operation'>): void {
  server.fail({ operation: '*', ...rule });
  onTestFinished(() => server.heal());
}

const named = (type: string, message = ''): Omit<FaultRule, 'operation'> => ({ mode: 'error', type, message });

const CLASSES: readonly (readonly [rule: Omit<FaultRule, 'operation'>, code: string, hint: RegExp])[] = [
  [{ mode: 'throttle' }, 'aws-throttled', /run it again in a minute/],
  [named('TooManyRequestsException'), 'aws-throttled', /run it again/],
  [{ mode: 'silence' }, 'aws-unreachable', /AWS_REGION and AWS_ENDPOINT_URL/],
  [{ mode: 'cut' }, 'aws-unreachable', /check the network/],
  [{ mode: 'html500' }, 'aws-failing', /AWS_ENDPOINT_URL/],
  [{ mode: 'before' }, 'aws-failing', /run it again in a minute/],
  [
    named('ExpiredTokenException', 'The security token included in the request is expired'),
    'aws-credentials-expired',
    /aws sso login/,
  ],
  [
    named('UnrecognizedClientException', 'The security token included in the request is invalid.'),
    'aws-credentials',
    /AWS_PROFILE/,
  ],
  [
    named('InvalidSignatureException', 'Signature expired: 20260101T000000Z is now earlier than'),
    'aws-clock',
    /timedatectl/,
  ],
  [named('ValidationException', 'Invalid name.'), 'aws-refused', /^$/],
];

describe('what AWS answers, told to an operator', () => {
  it.each(CLASSES)('%o of Secrets Manager is %s', async (rule, code, hint) => {
    const store = openStore(server.endpoint, 'jwtrot', HASTY);
    fail(rule);
    const error = await failure(store.readManifest('api'));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^Secrets Manager GetSecretValue of jwtrot\/api .*; nothing was changed$/);
    expect(error.hint ?? '').toMatch(hint);
    expect(error.cause).toBeInstanceOf(Error);
  });

  it.each([
    ...CLASSES,
    [{ mode: 'denied' }, 'aws-denied', /allow kms:Encrypt on alias\/jwtrot to the role/],
    [
      named('DisabledException', 'arn:x is disabled.'),
      'kms-key-disabled',
      /^aws kms enable-key --key-id alias\/jwtrot$/,
    ],
    [
      named('KMSInvalidStateException', 'arn:x is pending deletion.'),
      'kms-key-disabled',
      /^aws kms cancel-key-deletion --key-id/,
    ],
    [
      named('NotFoundException', 'Alias is not found'),
      'kms-key-missing',
      /aws kms create-alias --alias-name alias\/jwtrot/,
    ],
    [named('InvalidKeyUsageException'), 'kms-key-usage', /ENCRYPT_DECRYPT/],
    [named('KeyUnavailableException'), 'aws-failing', /run it again/],
  ] as const)('%o of KMS is %s', async (rule, code, hint) => {
    const wrapper = createKmsWrapper({ ...settingsFor(server.endpoint, HASTY), keyId: 'alias/jwtrot' });
    onTestFinished(() => wrapper.close());
    fail(rule);
    const error = await failure(wrapper.wrap(new Uint8Array(8), CONTEXT));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/^KMS Encrypt of alias\/jwtrot .*; nothing was changed$/);
    expect(error.hint ?? '').toMatch(hint);
  });

  it('names the permission that each operation lacks', async () => {
    const store = openStore(server.endpoint, 'jwtrot', HASTY);
    fail({ mode: 'denied' });
    const calls = [
      store.readManifest('api'),
      store.commitManifest(firstManifest('api'), null),
      store.isKeyGone('api', 'T'),
      store.deleteKey('api', 'T', { recoveryWindowDays: 7, purge: false }),
      store.listKeysets(),
    ];
    const errors = await Promise.all(calls.map(failure));
    const hints = errors.map(({ hint }) => hint?.replace(/ to the role.*/, ''));
    expect(hints).toEqual([
      'allow secretsmanager:GetSecretValue on jwtrot/api',
      'allow secretsmanager:CreateSecret on jwtrot/api',
      'allow secretsmanager:DescribeSecret on jwtrot/api/T/private',
      'allow secretsmanager:DeleteSecret on jwtrot/api/T/private',
      'allow secretsmanager:ListSecrets on * (it takes no narrower resource)',
    ]);
  });

  it("points at the secret's own KMS key when that is what is denied", async () => {
    const store = openStore(server.endpoint, 'jwtrot', HASTY);
    fail(named('AccessDeniedException', 'Access to KMS is not allowed'));
    expect((await failure(store.readManifest('api'))).hint).toMatch(/^allow kms:Decrypt and kms:GenerateDataKey/);
  });

  it('shows what AWS says as one harmless line', async () => {
    const store = openStore(server.endpoint, 'jwtrot', HASTY);
    fail(named('AccessDeniedException', `first\nsecond \u001b[31m${'x'.repeat(5_000)}`));
    const { message } = await failure(store.readManifest('api'));
    expect(message).toContain('first\\nsecond \\u001b[31m');
    expect(message.length).toBeLessThan(400);
  });

  it('hands on nothing of the request: its headers may hold a session token', async () => {
    const store = openStore(server.endpoint, 'jwtrot', HASTY);
    for (const mode of ['denied', 'html500', 'cut'] as const) {
      fail({ mode });
      const error = await failure(store.readManifest('api'));
      expect(inspect(error, { showHidden: true, depth: 20 })).not.toMatch(/AWS4-HMAC|AKIDEXAMPLE|authorization/i);
      server.heal();
    }
  });

  it('says so when nothing listens', async () => {
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const address = free.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await new Promise((resolve) => free.close(resolve));
    const error = await failure(openStore(`http://127.0.0.1:${port}`, 'jwtrot', HASTY).readManifest('api'));
    expect(error.code).toBe('aws-unreachable');
    expect(error.message).toContain('ECONNREFUSED');
  });

  it('says so when the name does not resolve', async () => {
    const error = await failure(openStore('http://aws.invalid', 'jwtrot', HASTY).readManifest('api'));
    expect(error.code).toBe('aws-unreachable');
  });
});
