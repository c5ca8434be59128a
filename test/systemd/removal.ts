import { describe, expect, it } from 'vitest';
import type { Machine } from './machine.js';

export function describeRemoval(at: () => Machine): void {
  describe('removing', () => {
    it('is preceded by a change of mind: one keyset by itself', async () => {
      const machine = at();
      await machine.must('jwtrot setup systemd --keyset api');
      const { stdout } = await machine.run('systemctl is-enabled jwtrot.timer jwtrot@api.timer');
      expect(stdout).toBe('disabled\nenabled\n');
      expect((await machine.run('systemctl is-active jwtrot.timer jwtrot@api.timer')).stdout).toBe(
        'inactive\nactive\n',
      );
    });

    it('takes away what setup wrote, and nothing else', async () => {
      const machine = at();
      const said = await machine.must('jwtrot setup systemd --uninstall');
      expect(said).toContain('removed /etc/systemd/system/jwtrot.service');
      const left = await machine.must(
        'find /etc/systemd /etc/sysusers.d /etc/tmpfiles.d /etc/polkit-1 /usr/local/sbin -name "*jwtrot*" -not -type d | sort; find /etc/systemd/system -path "*jwtrot*" -type f | sort',
      );
      expect(left).toBe(
        '/etc/systemd/system/jwtrot.service.d/50-often.conf\n/etc/systemd/system/jwtrot.timer.d/local.conf\n/etc/systemd/system/jwtrot@.service.d/50-stuck.conf\n',
      );
      expect((await machine.run('systemctl is-active jwtrot.timer')).stdout.trim()).toBe('inactive');
      expect(await machine.must('ls /var/lib/jwtrot/store; ls /etc/credstore.encrypted')).toBe('api\njwtrot-kek\n');
      expect((await machine.run('jwtrot setup systemd --uninstall')).code).toBe(0);
    });
  });
}
