import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { awsEnv } from '../e2e/aws-command.js';
import { playDelivery } from '../e2e/delivery.js';
import { World } from '../e2e/world.js';

const run = promisify(execFile);
const endpoint = process.env['JWTROT_TEST_AWS_ENDPOINT'] ?? '';

beforeAll(async () => {
  for (const program of ['aws', 'curl', 'jq']) {
    await run(program, ['--version']).catch((cause) => {
      throw new Error(`docs/delivery.md can't be checked without ${program}\nhint: apt-get install awscli curl jq`, {
        cause,
      });
    });
  }
});

it('the entry of docs/delivery.md delivers each key to SSM Parameter Store; older ones stay in its history', async () => {
  const world = new World();
  onTestFinished(() => world.close());
  const name = `/issuer/${randomUUID()}`;
  const config = world.path('curl');
  writeFileSync(config, 'aws-sigv4 = "aws:amz:eu-central-1:ssm"\nuser = "AKIAIOSFODNN7EXAMPLE:not-a-secret"\n', {
    mode: 0o600,
  });
  const env = awsEnv({ endpoint, keyId: '', region: 'eu-central-1' });
  const aws = async (...args: string[]) => {
    const { stdout } = await run('aws', ['ssm', ...args, '--output', 'json'], { env: { ...process.env, ...env } });
    return stdout === '' ? null : JSON.parse(stdout);
  };
  await playDelivery(world, {
    heading: 'AWS SSM Parameter Store',
    elsewhere: {
      'https://ssm.eu-central-1.amazonaws.com': endpoint,
      '/issuer/key': name,
      '/etc/jwtrot/ssm.curl': config,
    },
    env: {},
    held: async () => {
      const { Parameters: found } = await aws('get-parameters', '--names', name, '--with-decryption');
      expect(found.map(({ Type }: { Type: string }) => Type)).toEqual(found.length === 0 ? [] : ['SecureString']);
      return found[0]?.Value ?? null;
    },
    lose: async () => {
      const { Parameters: kept } = await aws('get-parameter-history', '--name', name);
      expect(kept).toHaveLength(4);
      await aws('delete-parameter', '--name', name);
    },
  });
});
