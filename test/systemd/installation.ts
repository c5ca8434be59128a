import { describe, expect, it } from 'vitest';
import { type Machine, until } from './machine.js';
import { active, issuerKid } from './site.js';
import { beginWait } from './waiting.js';

const UNITS = ['jwtrot.service', 'jwtrot@api.service', 'jwtrot-sync.service'];

/** From a packed tarball to the first key. */
export function describeInstallation(at: () => Machine): void {
  describe('installing', () => {
    it('is npm install -g with no registry, and setup shows first what it would do', async () => {
      const machine = at();
      await machine.must('npm install --global --offline --silent /opt/jwtrot.tgz');
      await machine.must('systemd-sysusers && systemctl daemon-reload');
      const before = await machine.must('find /etc /usr/local -newer /opt/jwtrot.tgz -type f | sort');
      const shown = await machine.must('jwtrot setup systemd --dry-run');
      expect(shown).toContain('would create /etc/systemd/system/jwtrot.service');
      expect(shown).toContain('would make the KEK /etc/credstore.encrypted/jwtrot-kek');
      expect(shown).toContain('would run systemctl enable --now jwtrot.timer');
      expect(await machine.must('find /etc /usr/local -newer /opt/jwtrot.tgz -type f | sort')).toBe(before);
    });

    it('writes units, user, rule and jwtrot-run, and a second time changes nothing', async () => {
      const machine = at();
      const drop = await machine.must('cat /etc/systemd/system/jwtrot.timer.d/local.conf');
      const first = await machine.must('jwtrot setup systemd');
      expect(first).toContain('made the KEK /etc/credstore.encrypted/jwtrot-kek\n');
      const again = JSON.parse(await machine.must('jwtrot setup systemd --json')) as {
        files: { change: string }[];
        notes: string[];
      };
      expect(new Set(again.files.map((file) => file.change))).toEqual(new Set(['keep']));
      expect(again.notes).toEqual([]);
      expect(await machine.must('cat /etc/systemd/system/jwtrot.timer.d/local.conf')).toBe(drop);
      expect(await machine.must('id jwtrot')).toMatch(/uid=\d+\(jwtrot\) gid=\d+\(jwtrot\)/);
      expect(await machine.must('systemctl is-enabled jwtrot.timer jwtrot-sync.service')).toBe('enabled\nenabled\n');
    });

    it('is clean to systemd-analyze, with little exposure', async () => {
      const machine = at();
      const paths = ['jwtrot.timer', 'jwtrot@api.timer', 'jwtrot-failure@x.service', ...UNITS];
      expect(await machine.run(`systemd-analyze verify ${paths.join(' ')} 2>&1`)).toMatchObject({
        code: 0,
        stdout: '',
      });
      for (const unit of UNITS) {
        const report = await machine.must(`systemd-analyze security --no-pager --threshold=20 ${unit}`);
        console.log(/Overall exposure level for .*/.exec(report)?.[0]);
      }
    });

    it('sends root to jwtrot-run with the same command line', async () => {
      const machine = at();
      const { code, stderr } = await machine.run('jwtrot rotate --keyset api');
      expect(code).toBe(5);
      expect(stderr).toBe(
        'jwtrot: the store /var/lib/jwtrot/store belongs to user jwtrot, and jwtrot works on it as that user alone; nothing was read or changed\nhint: jwtrot-run rotate --keyset api\n',
      );
    });

    it('makes the first key in the sandbox, and hands it to a signer that is not root', async () => {
      const machine = at();
      await machine.must('systemctl start nginx issuer verifier peaks');
      const { code, stdout, stderr } = await machine.run('jwtrot-run rotate');
      expect({ code, stdout, stderr }).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^api: rotated; active v1 /),
      });
      expect(await issuerKid(machine)).toBe(await active(machine));
      expect(await machine.must('stat -c "%U %G %a" /run/jwtrot/api.jwk /srv/jwks/jwks.json')).toBe(
        'jwtrot issuer 440\njwtrot jwtrot 644\n',
      );
      expect(await machine.must('stat -c "%U %a" /var/lib/jwtrot /var/lib/jwtrot/store')).toBe(
        'jwtrot 700\njwtrot 700\n',
      );
      const said = JSON.parse(await machine.must('jwtrot-run status --json')) as { keysets: { keys: object[] }[] };
      expect(said.keysets[0]?.keys).toMatchObject([{ kid: await active(machine), state: 'active', version: 1 }]);
      await beginWait(machine);
    });

    it('gives the exit code and the standard input of a verb through', async () => {
      const machine = at();
      expect((await machine.run('jwtrot-run status --nonsense')).code).toBe(2);
      const unknown = await machine.run('jwtrot-run retire --yes --key -', 'no key\n');
      expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('jwtrot:') });
      const jwks = JSON.parse(await machine.must('jwtrot-run jwks')) as { keys: unknown[] };
      expect(jwks.keys).toHaveLength(1);
      expect((await machine.run('setpriv --reuid=jwtrot --clear-groups jwtrot-run status')).code).toBe(2);
      await until(
        async () => (await machine.must('systemctl list-units --plain --no-legend "jwtrot-run*"')) === '',
        'no unit is left over',
      );
    });
  });
}
