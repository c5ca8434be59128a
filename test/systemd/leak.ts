import { describe, it } from 'vitest';
import { expectPrinted, type Hosts, OPERATIONS, typed } from './hosts.js';
import type { Machine } from './machine.js';
import { active } from './site.js';

const SECTION = 'A key leaked, at 3 a.m.';

/** The page's command, with this test's kid. */
async function retire(machine: Machine, kid: string, code: number, more = ''): Promise<string> {
  const command = OPERATIONS.command(SECTION, 'jwtrot-run retire --kid');
  return typed(machine, `${command.replace(/--kid \S+/, `--kid ${kid.slice(0, 8)}`)}${more}`, code);
}

/** The page that is read at 3 a.m., played through. */
export function describeLeak(hosts: Hosts): void {
  describe('a key that leaked', () => {
    it('is retired as the page shows, and everybody is seen to have dropped it', async () => {
      const machine = hosts.at('id1');
      // A successor waits already.
      await typed(machine, 'jwtrot-run rotate --force');
      expectPrinted(OPERATIONS, 'record the request to retire', await retire(machine, await active(machine), 0));
      const probe = OPERATIONS.command(SECTION, 'jwtrot-run status --probe');
      expectPrinted(OPERATIONS, 'compromised; confirm', await typed(machine, probe));
    });

    it('is retired though a verifier is down: it is named, and the same command goes on with it', async () => {
      const machine = hosts.at('id1');
      const leaked = await active(machine);
      await machine.must('systemctl stop gateway');
      // The page's deadline is two minutes.
      const first = await retire(machine, leaked, 4, ' --deadline 3s');
      expectPrinted(OPERATIONS, '1 of 1 may still accept', first.slice(first.indexOf('jwtrot: keyset')));
      await machine.must('systemctl start gateway');
      const second = await retire(machine, leaked, 0);
      expectPrinted(OPERATIONS, 'api: retired; active v3', second.slice(second.indexOf('api: wait')));
    });
  });
}
