import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Machine } from './machine.js';

const PAGE = readFileSync(fileURLToPath(new URL('../../docs/operations.md', import.meta.url)), 'utf8');
const KEK = '/etc/credstore.encrypted/jwtrot-kek';

/** What a first day with it meets, as docs/operations.md has it. */
export function describeDay(at: () => Machine): void {
  describe('a day', () => {
    it('has the rhythm that the page’s drop-in says, to the second', async () => {
      const machine = at();
      const dropIn = /^```ini\n(\[Timer\]\n.*?)^```/ms.exec(PAGE)?.[1] ?? '';
      expect(dropIn).toContain('RandomizedDelaySec=0');
      const folder = '/etc/systemd/system/jwtrot.timer.d';
      await machine.must(`mv ${folder}/local.conf /run/local.conf; cat > ${folder}/override.conf`, dropIn);
      await machine.must('systemctl daemon-reload; systemctl restart jwtrot.timer');
      expect(await machine.show('jwtrot.timer', 'NextElapseUSecRealtime')).toMatch(
        /^(Mon|Tue|Wed|Thu|Fri) .* 09:30:00/,
      );
      await machine.must(`rm ${folder}/override.conf; mv /run/local.conf ${folder}/; systemctl daemon-reload`);
      await machine.must('systemctl stop jwtrot.timer');
    });

    it('goes on after a rollback by hand, with no failed unit', async () => {
      const machine = at();
      await machine.must('jwtrot-run rotate --immediate');
      await machine.must('jwtrot-run rollback --yes');
      await machine.must('systemctl start jwtrot.service');
      expect(await machine.show('jwtrot.service', 'Result')).toBe('success');
      expect(await machine.must('journalctl -u jwtrot --no-pager -o cat -n 5')).toMatch(
        /nothing due; .*rolled back by hand/,
      );
    });

    it('tells why nothing can be started without the KEK, and where it comes from', async () => {
      const machine = at();
      await machine.must(`mv ${KEK} /run/kek.cred`);
      expect(await machine.run('jwtrot-run status')).toMatchObject({
        code: 243,
        stderr: expect.stringMatching(
          /^jwtrot-run: jwtrot was not started: the credential \S+ is missing\nhint: .*\n$/,
        ),
      });
      await machine.must(`echo bm8= > ${KEK}`);
      expect((await machine.run('jwtrot-run status')).stderr).toContain(`the credential ${KEK} can't be decrypted`);
      await machine.must(`mv /run/kek.cred ${KEK}`);
      expect((await machine.run('jwtrot-run status')).code).toBe(0);
    });

    it('sends everybody else to the command that works', async () => {
      const machine = at();
      const { code, stderr } = await machine.run(
        'setpriv --reuid=nobody --clear-groups env HOME=/nonexistent jwtrot status',
      );
      expect({ code, stderr }).toMatchObject({
        code: 3,
        stderr: expect.stringContaining('hint: sudo jwtrot-run status'),
      });
    });
  });
}
