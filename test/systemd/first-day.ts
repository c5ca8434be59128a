import { describe, expect, it } from 'vitest';
import { CONFIGURATION, expectPrinted, type Hosts, INSTALL, OPERATIONS, typed } from './hosts.js';

const MOST_COMMANDS = 10;
/** Somebody else's programs, done when the tree was made: there is no network here. */
const APT = 'apt-get install nodejs npm polkitd';

/** From a Debian without it to the first rotation that two services have confirmed, by the page's commands alone. */
export function describeFirstDay(hosts: Hosts): void {
  describe('the first day', () => {
    it(`takes no more than ${MOST_COMMANDS} commands, and prints what the page shows`, async () => {
      const machine = await hosts.boot('id1');
      const done: string[] = [];
      const said = new Map<string, string>();
      const started = performance.now();
      const act = async (command: string, run: () => Promise<string>) => {
        done.push(command);
        said.set(command, await run());
      };
      expect(OPERATIONS.commands('Setting up')[0]).toBe(APT);
      for (const command of OPERATIONS.commands('Setting up')) {
        if (command === 'jwtrot setup systemd --dry-run')
          await act('$EDITOR /etc/jwtrot/jwtrot.yaml', () =>
            machine.must('mkdir -p /etc/jwtrot; cat > /etc/jwtrot/jwtrot.yaml', CONFIGURATION),
          );
        // "systemctl enable those that need their key file, and leave the starting to jwtrot".
        if (command === 'jwtrot-run rotate')
          await act('systemctl enable issuer gateway', () => machine.must('systemctl enable issuer gateway'));
        await act(command, async () => {
          if (command === APT) return '';
          return typed(machine, command === 'npm install -g jwtrot' ? INSTALL : command);
        });
      }
      const seconds = Math.round((performance.now() - started) / 100) / 10;
      console.log(
        `from nothing to the first confirmed rotation: ${done.length} commands, ${seconds} s without apt-get`,
      );
      expect(done.length).toBeLessThanOrEqual(MOST_COMMANDS);
      expect(said.get('jwtrot-run rotate')).toMatch(/^api: rotated; active v1 /m);
      expectPrinted(OPERATIONS, 'made the KEK', said.get('jwtrot setup systemd') ?? '');
      expectPrinted(OPERATIONS, 'gateway  gateway   verifier  -      v1', said.get('jwtrot-run status --probe') ?? '');
    });

    it('leaves monitoring content', async () => {
      const check = OPERATIONS.command('Watching it', 'jwtrot-run');
      expectPrinted(OPERATIONS, 'JWTROT OK', await typed(hosts.at('id1'), check));
    });

    it('sends root to the sandbox', async () => {
      const machine = hosts.at('id1');
      expectPrinted(OPERATIONS, '# jwtrot rotate', `# jwtrot rotate\n${await typed(machine, 'jwtrot rotate', 5)}`);
    });
  });
}
