import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Machine } from './machine.js';

const CONFIGURATION = {
  store: { type: 'directory', path: '/var/lib/jwtrot/cron' },
  wrap: { type: 'local', kek: { file: '/etc/jwtrot/cron-kek' } },
  keysets: { jobs: { alg: 'ES256', maxTokenTtl: '1h' } },
};

export function describeCron(at: () => Machine): void {
  describe('cron', () => {
    it('gets a line that is silent, for the same user, beside the timer', async () => {
      const machine = at();
      await machine.must('cat > /etc/jwtrot/cron.yaml', stringify(CONFIGURATION));
      expect(await machine.run('jwtrot setup cron')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('cron can'),
      });
      await machine.must('jwtrot --config /etc/jwtrot/cron.yaml setup cron --splay 1s');
      expect(await machine.must('stat -c "%U %a" /etc/jwtrot/cron-kek /etc/cron.d/jwtrot')).toBe(
        'jwtrot 600\nroot 644\n',
      );

      const lines = (await machine.must('cat /etc/cron.d/jwtrot')).split('\n').filter((line) => !line.startsWith('#'));
      const environment = lines.filter((line) => /^[A-Z_]+=/.test(line)).join(' ');
      const [, user, command] =
        /^0 \* \* \* \* (\S+) (.*)$/.exec(lines.find((line) => line.startsWith('0 ')) ?? '') ?? [];
      expect(user).toBe('jwtrot');
      // As crontab(5) runs it.
      const asCron = `setpriv --reuid=${user} --regid=${user} --init-groups env -i HOME=/ ${environment} /bin/sh -c '${command}'`;
      expect(await machine.run(asCron)).toEqual({ code: 0, stdout: '', stderr: '' });
      expect(await machine.must('ls /var/lib/jwtrot/cron')).toBe('jobs\n');
      expect(await machine.run(asCron)).toEqual({ code: 0, stdout: '', stderr: '' });

      expect(await machine.must('jwtrot setup cron --uninstall')).toContain('removed /etc/cron.d/jwtrot');
      expect((await machine.run('test -e /etc/cron.d/jwtrot')).code).toBe(1);
      expect((await machine.run('test -e /etc/polkit-1/rules.d/50-jwtrot.rules')).code).toBe(0);
    });
  });
}
