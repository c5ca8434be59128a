import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { type Machine, until } from './machine.js';

const CONFIGURATION = {
  store: { type: 'directory', path: '/var/lib/jwtrot/cron' },
  wrap: { type: 'local', kek: { file: '/etc/jwtrot/cron-kek' } },
  keysets: {
    jobs: {
      alg: 'ES256',
      maxTokenTtl: '1h',
      deliver: [{ file: '/run/jobs/jobs.jwk', group: 'wheel', mode: '0440' }],
    },
  },
};
const KEY = '/run/jobs/jobs.jwk';

export function describeCron(at: () => Machine): void {
  describe('cron', () => {
    it('gets a line that is silent, for the same user, beside the timer', async () => {
      const machine = at();
      await machine.must('cat > /etc/jwtrot/cron.yaml', stringify(CONFIGURATION));
      await machine.must('groupadd --system wheel');
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
      expect(await machine.must(`stat -c "%U %G %a" ${KEY}`)).toBe('jwtrot wheel 440\n');
      expect(await machine.run(asCron)).toEqual({ code: 0, stdout: '', stderr: '' });

      // As after a reboot: what /run held is gone, and cron itself writes it again.
      await machine.must(
        `systemctl stop cron; rm -r /run/jobs /run/crond.reboot; systemd-tmpfiles --create; systemctl start cron`,
      );
      await until(async () => (await machine.run(`test -e ${KEY}`)).code === 0, 'the key is delivered at boot');
      expect(await machine.must(`stat -c "%U %G %a" ${KEY}`)).toBe('jwtrot wheel 440\n');

      // Whoever is no member finds out before the switch.
      await machine.must('rm -r /var/lib/jwtrot/cron /var/lib/jwtrot/records/jobs* /run/jobs/* /run/jobs/.[!.]*');
      const alone = 'setpriv --reuid=jwtrot --regid=jwtrot --clear-groups env HOME=/var/lib/jwtrot';
      const undelivered = await machine.run(`${alone} jwtrot -c /etc/jwtrot/cron.yaml rotate`);
      expect(undelivered).toMatchObject({ code: 4, stderr: expect.stringContaining('no key signs yet') });
      expect(undelivered.stderr).toContain(`${KEY} can't be given to group wheel: this user is no member of it`);

      expect(await machine.must('jwtrot setup cron --uninstall')).toContain('removed /etc/cron.d/jwtrot');
      expect((await machine.run('test -e /etc/cron.d/jwtrot')).code).toBe(1);
      expect((await machine.run('test -e /etc/polkit-1/rules.d/50-jwtrot.rules')).code).toBe(0);
    });

    it('does without systemd: user, groups and directories are made by setup itself', async () => {
      const machine = at();
      const [off, on] = ['sysusers', 'tmpfiles'].map((name) => `/usr/bin/systemd-${name}`);
      await machine.must(`for p in ${off} ${on}; do mv $p $p.off; done; gpasswd -d jwtrot wheel; rm -rf /run/jobs`);
      await machine.must('jwtrot --config /etc/jwtrot/cron.yaml setup cron');
      expect((await machine.must('id -nG jwtrot')).trim().split(' ')).toContain('wheel');
      expect(await machine.must('stat -c "%U %G %a" /run/jobs /var/lib/jwtrot')).toBe(
        'jwtrot jwtrot 755\njwtrot jwtrot 700\n',
      );
      await machine.must(`for p in ${off} ${on}; do mv $p.off $p; done; jwtrot setup cron --uninstall`);
    });
  });
}
