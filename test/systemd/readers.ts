import { describe, expect, it } from 'vitest';
import { type Hosts, typed } from './hosts.js';
import type { Machine, Ran } from './machine.js';
import { active } from './site.js';

const as = (user: string, command: string) =>
  `setpriv --reuid=${user} --regid=${user} --init-groups env HOME=/nonexistent ${command}`;

/** What of jwtrot's own this user can read, who may not list all of it. */
async function readable(machine: Machine, user: string): Promise<string[]> {
  const find = 'find /var/lib/jwtrot /run/jwtrot/*.jwk /etc/credstore.encrypted -type f -print0';
  const tests = `sh -c 'for path; do ! test -r "$path" || echo "$path"; done' sh`;
  const read = await machine.must(`${find} | xargs -0 ${as(user, tests)}`);
  return read.split('\n').filter(Boolean);
}

/** A group that looks without sudo, and sees nothing that is secret. */
export function describeReaders(hosts: Hosts): void {
  describe('a group of readers', () => {
    const looks = (machine: Machine): Promise<Ran> => machine.run(as('olga', 'jwtrot status'));

    it('sees what there is, also what was written since, and nothing secret', async () => {
      const machine = hosts.at('id1');
      await machine.must('groupadd ops; useradd olga; useradd nora; usermod --append --groups ops olga');
      expect(await looks(machine)).toMatchObject({
        code: 3,
        stderr: expect.stringContaining('sudo jwtrot-run status'),
      });
      expect(await typed(machine, 'jwtrot setup systemd --readers opps', 2)).toContain('there is no group opps');
      await machine.must('chmod 640 /etc/jwtrot/jwtrot.yaml');
      expect(await typed(machine, 'jwtrot setup systemd --readers ops --dry-run')).toContain(
        "note: members of ops can't read /etc/jwtrot/jwtrot.yaml: chmod 0644 /etc/jwtrot/jwtrot.yaml",
      );
      await machine.must('chmod 644 /etc/jwtrot/jwtrot.yaml');
      await typed(machine, 'jwtrot setup systemd --readers ops');
      expect((await looks(machine)).stdout).toContain(await active(machine));
      await typed(machine, 'jwtrot-run rotate --immediate');
      const { code, stdout, stderr } = await looks(machine);
      expect({ code, stdout, stderr }).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(await active(machine)),
      });
      expect(stderr).toBe('');
      expect(await machine.must(as('olga', 'jwtrot jwks'))).toContain(await active(machine));
      expect(await machine.must(as('olga', 'jwtrot status --probe'))).toMatch(/^issuer +issuer +signer +v\d+/m);
      const checked = await machine.run(as('olga', 'jwtrot status --check'));
      expect(checked.stdout).toMatch(/^JWTROT (?:OK|WARNING) - api: /);
      expect((await machine.run(as('olga', 'jwtrot rotate'))).stderr).toContain('hint: sudo jwtrot-run rotate');
      expect((await machine.run(as('nora', 'jwtrot status'))).stderr).toContain('hint: sudo jwtrot-run status');
      const files = await readable(machine, 'olga');
      expect(files.filter((path) => path.includes('/manifest/')).length).toBeGreaterThan(2);
      expect(files.filter((path) => !/\/(?:store\/api\/manifest|records\/api)\/\d{10}\.json$/.test(path))).toEqual([]);
      expect(await readable(machine, 'nora')).toEqual([]);
      expect(await machine.must('find /var/lib/jwtrot -path "*/keys*" -perm /077')).toBe('');
    });

    it('keeps its right when setup is run again, and loses it when it is told so', async () => {
      const machine = hosts.at('id1');
      await typed(machine, 'jwtrot setup systemd');
      expect((await looks(machine)).code).toBe(0);
      await typed(machine, 'jwtrot setup systemd --no-readers');
      expect((await looks(machine)).code).toBe(3);
      expect(await readable(machine, 'olga')).toEqual([]);
      await typed(machine, 'jwtrot-run rotate --immediate');
      const modes = 'stat -c %a /var/lib/jwtrot; find /var/lib/jwtrot -perm /077';
      expect(await machine.must(modes)).toBe('700\n');
    });

    it('loses it with what setup wrote', async () => {
      const machine = hosts.at('id1');
      await typed(machine, 'jwtrot setup systemd --readers ops; jwtrot setup systemd --uninstall');
      expect(await readable(machine, 'olga')).toEqual([]);
      expect(await machine.must('stat -c %a /var/lib/jwtrot; find /var/lib/jwtrot -perm /077')).toBe('700\n');
    });
  });
}
