import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { AWS_LIMITS, clientSettings, regionOf, TimeLimitError, within } from '../../src/outside/aws.js';
import { createSecretsManagerStore } from '../../src/store/secrets-manager/store.js';
import type { Store } from '../../src/store/store.js';
import { thumbprintOf } from '../support/manifest.js';
import { clock } from './clock.js';
import { type AwsServer, startAwsServer } from './server.js';
import { newPrefix } from './target.js';

let server: AwsServer;
let home: string;
beforeAll(async () => {
  server = await startAwsServer();
});
afterAll(() => server.close());

/** The SDK reads the process's environment: it is emptied of all that is AWS's. It keeps what it read of a file. */
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'jwtrot-aws-'));
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_CONFIG_FILE', join(home, 'config'));
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(home, 'credentials'));
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  return async () => {
    vi.unstubAllEnvs();
    await rm(home, { recursive: true });
  };
});

function opened(limits = {}): Store {
  const store = createSecretsManagerStore({ prefix: newPrefix(), env: process.env, clock, thumbprintOf, limits });
  onTestFinished(() => store.close());
  return store;
}

describe('the region', () => {
  it('comes from the setting, then AWS_REGION, then AWS_DEFAULT_REGION', () => {
    const env = { AWS_REGION: 'a', AWS_DEFAULT_REGION: 'b' };
    expect(regionOf({ env, region: 'c' })).toBe('c');
    expect(regionOf({ env })).toBe('a');
    expect(regionOf({ env: { ...env, AWS_REGION: '' } })).toBe('b');
    expect(regionOf({ env: {} })).toBeUndefined();
  });

  it('is shown when it is known', () => {
    const settings = { prefix: 'jwtrot', clock, thumbprintOf };
    expect(createSecretsManagerStore({ ...settings, env: {} }).description).toBe('Secrets Manager jwtrot/');
    expect(createSecretsManagerStore({ ...settings, env: { AWS_DEFAULT_REGION: 'eu-central-1' } }).description).toBe(
      'Secrets Manager jwtrot/ in eu-central-1',
    );
  });
});

describe('what is left to the SDK', () => {
  it('finds endpoint and credentials in the environment', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', server.endpoint);
    vi.stubEnv('AWS_DEFAULT_REGION', 'eu-central-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'not-a-secret');
    expect(await opened().readManifest('api')).toBeNull();
  });

  it('finds region and credentials in a profile', async () => {
    const profile = [
      'region = eu-central-1',
      'aws_access_key_id = AKIDEXAMPLE',
      'aws_secret_access_key = not-a-secret',
    ];
    await writeFile(join(home, 'config'), ['[profile rotator]', ...profile, ''].join('\n'));
    vi.stubEnv('AWS_PROFILE', 'rotator');
    vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', server.endpoint);
    expect(await opened().readManifest('api')).toBeNull();
  });

  it('says what to set when there is no region', async () => {
    await expect(opened().readManifest('api')).rejects.toMatchObject({
      kind: 'store',
      code: 'aws-region',
      hint: 'set AWS_REGION, or a region in the AWS profile',
    });
  });

  it('says what to set when there are no credentials', async () => {
    vi.stubEnv('AWS_REGION', 'eu-central-1');
    vi.stubEnv('AWS_ENDPOINT_URL', server.endpoint);
    await expect(opened().readManifest('api')).rejects.toMatchObject({
      kind: 'store',
      code: 'aws-credentials',
      hint: expect.stringContaining('AWS_PROFILE, or AWS_ACCESS_KEY_ID'),
    });
  });

  it('gives up in time when the source of credentials does not answer', async () => {
    const silent = await startAwsServer();
    onTestFinished(() => silent.close());
    silent.fail({ operation: '*', mode: 'silence' });
    vi.stubEnv('AWS_REGION', 'eu-central-1');
    vi.stubEnv('AWS_ENDPOINT_URL', server.endpoint);
    vi.stubEnv('AWS_CONTAINER_CREDENTIALS_FULL_URI', silent.endpoint);
    const started = performance.now();
    await expect(opened({ method: 400 }).readManifest('api')).rejects.toMatchObject({ code: 'aws-unreachable' });
    expect(performance.now() - started).toBeLessThan(1_500);
  });
});

describe('time limits', () => {
  it('are set on the client', () => {
    expect(clientSettings({ env: { AWS_REGION: 'a' }, clock })).toEqual({
      region: 'a',
      maxAttempts: AWS_LIMITS.attempts,
      retryMode: 'standard',
      requestHandler: { connectionTimeout: 3_000, requestTimeout: 5_000, throwOnRequestTimeout: true },
    });
  });

  it('leave no timer behind', async () => {
    let ended = 0;
    const counting = {
      ...clock,
      sleep: (duration: number, signal?: AbortSignal) => clock.sleep(duration, signal).finally(() => (ended += 1)),
    };
    expect(await within(counting, 60_000, async () => 'value')).toBe('value');
    await expect(within(counting, 60_000, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect.poll(() => ended).toBe(2);
  });

  it('end the work and the wait for it', async () => {
    let signal: AbortSignal | undefined;
    const never = within(clock, 20, (given) => {
      signal = given;
      return new Promise(() => {});
    });
    await expect(never).rejects.toBeInstanceOf(TimeLimitError);
    expect(signal?.aborted).toBe(true);
  });
});
