import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type Machine, until } from './machine.js';

const DROP_IN = '/run/systemd/system/jwtrot.service.d/60-aws.conf';

/** The suite's own AWS on loopback; what the sandbox must let through is the same. */
export function describeKms(at: () => Machine): void {
  describe('Secrets Manager and KMS', () => {
    it('are reached from the sandbox, and a key that KMS wrapped is delivered to a tmpfs', async () => {
      const machine = at();
      await machine.must('systemctl start aws');
      await until(async () => (await machine.run('test -s /run/aws.json')).code === 0, 'the server listens');
      const { endpoint, keyId, region } = JSON.parse(await machine.must('cat /run/aws.json')) as Record<string, string>;
      const configuration = {
        store: { type: 'secrets-manager' },
        wrap: { type: 'kms', keyId },
        keysets: {
          cloud: {
            alg: 'ES256',
            maxTokenTtl: '1h',
            deliver: [{ file: '/run/jwtrot/cloud.pem', group: 'issuer', mode: '0440' }],
          },
        },
      };
      await machine.must('cat > /etc/jwtrot/cloud.yaml', stringify(configuration));
      const environment = `AWS_ENDPOINT_URL=${endpoint} AWS_REGION=${region} AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=not-a-secret`;
      await machine.must(
        `mkdir -p $(dirname ${DROP_IN}); cat > ${DROP_IN}; systemctl daemon-reload`,
        `[Service]\nEnvironment=${environment}\n`,
      );
      const { code, stdout, stderr } = await machine.run('jwtrot-run --config /etc/jwtrot/cloud.yaml rotate');
      expect({ code, stderr, stdout }).toMatchObject({ code: 0, stdout: expect.stringMatching(/^cloud: rotated; /) });
      expect(await machine.must('head -1 /run/jwtrot/cloud.pem; stat -c "%U %G %a" /run/jwtrot/cloud.pem')).toBe(
        '-----BEGIN PRIVATE KEY-----\njwtrot issuer 440\n',
      );
      // Root, by hand, would leave a record there that the timer's user can't open.
      expect(await machine.run(`env ${environment} jwtrot --config /etc/jwtrot/cloud.yaml rotate`)).toMatchObject({
        code: 5,
        stderr: expect.stringContaining('hint: jwtrot-run --config /etc/jwtrot/cloud.yaml rotate\n'),
      });
      await machine.must(`rm ${DROP_IN}; systemctl daemon-reload; systemctl stop aws`);
    });
  });
}
