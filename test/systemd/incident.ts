import { describe, expect, it } from 'vitest';
import type { Machine } from './machine.js';
import { active, issuerKid, status } from './site.js';

const VERIFY = `python3 -c 'import sys,urllib.request as u; print(u.urlopen("http://127.0.0.1:8000/verify",sys.stdin.read().strip().encode()).status)'`;

/** A key leaks while a verifier is down. */
export function describeIncident(at: () => Machine): void {
  describe('retire during an outage', () => {
    it('ends the publication of the key within its deadline, and goes on with who had not answered', async () => {
      const machine = at();
      await machine.must('systemctl stop traffic');
      const leaked = await active(machine);
      const token = await machine.must(
        `python3 -c 'import urllib.request as u; print(u.urlopen("http://127.0.0.1:8080/token").read().decode())'`,
      );
      expect((await machine.run(VERIFY, token)).code).toBe(0);
      await machine.must('systemctl stop verifier');

      const first = await machine.run(`jwtrot-run retire --kid ${leaked} --yes --deadline 1s`);
      expect(first).toMatchObject({ code: 4, stderr: expect.stringMatching(/verifier: .*connection refused/) });
      expect(await machine.must('cat /srv/jwks/jwks.json')).not.toContain(leaked);
      expect(await issuerKid(machine)).toBe(await active(machine));
      expect(await active(machine)).not.toBe(leaked);

      await machine.must('systemctl start verifier');
      const second = await machine.run(`jwtrot-run retire --kid ${leaked} --yes --deadline 10s`);
      expect(second).toMatchObject({ code: 0 });
      expect((await status(machine)).keys.find((key) => key.kid === leaked)?.state).toBe('retired');
      expect((await machine.run(VERIFY, token)).stderr).toContain('401');
    });
  });
}
