import { beforeAll, describe, expect, it } from 'vitest';
import { FAULTS } from './configurations.js';
import type { Machine } from './machine.js';

interface Result {
  readonly name: string;
  readonly problems: readonly { readonly message: string; readonly hint: string | null }[];
}

const EXPECTED: Readonly<Record<(typeof FAULTS)[number], readonly [reason: RegExp, hint: RegExp]>> = {
  'no-reload': [/unit no-reload\.service has no ExecReload=/, /add ExecReload= to the unit, or set action: restart/],
  missing: [/there is no unit missing\.service/, /systemctl status missing\.service/],
  failing: [/the job of unit failing\.service failed/, /journalctl -eu failing\.service/],
  denied: [/systemd denies this user to control unit denied\.service/, /polkit rule/],
};

/** What a real systemd says to a user who is not root, told apart. */
export function describeFaults(at: () => Machine): void {
  describe('a reload that fails', () => {
    let results: readonly Result[] = [];

    beforeAll(async () => {
      const machine = at();
      await machine.must('systemctl start no-reload failing denied');
      const { code, stdout } = await machine.run('jwtrot-run --config /etc/jwtrot/faulty.yaml rotate --json');
      expect(code).toBe(4);
      results = (JSON.parse(stdout) as { keysets: Result[] }).keysets;
    });

    for (const name of FAULTS) {
      it(`says what is wrong with ${name}.service, and what to do`, () => {
        const [problem] = results.find((one) => one.name === name)?.problems ?? [];
        const [reason, hint] = EXPECTED[name];
        expect(problem).toMatchObject({ message: expect.stringMatching(reason), hint: expect.stringMatching(hint) });
      });
    }

    it('is foreseen by a dry run, where there is no such unit', async () => {
      const { code, stdout, stderr } = await at().run(
        'jwtrot-run --config /etc/jwtrot/faulty.yaml --keyset missing --keyset denied rotate --force --dry-run',
      );
      expect({ code, stdout, stderr }).toMatchObject({
        code: 4,
        stdout: expect.stringMatching(/^missing: would /m),
        stderr: expect.stringMatching(/there is no unit missing\.service on this host/),
      });
      expect(stderr).not.toContain('denied.service');
    });

    it('is waited for where the unit tells when it is done (Type=notify-reload)', async () => {
      const machine = at();
      const before = await reloads(machine);
      await machine.must('systemctl reload verifier');
      expect(await reloads(machine)).toBe(before + 1);
    });
  });
}

async function reloads(machine: Machine): Promise<number> {
  return Number(
    await machine.must(
      `python3 -c 'import json,urllib.request as u; print(json.load(u.urlopen("http://127.0.0.1:8000/healthz"))["reloads"])'`,
    ),
  );
}
