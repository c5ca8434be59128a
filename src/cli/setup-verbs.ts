import { Option } from 'commander';
import { type Add, duration, type Within } from './declare.js';

/** What both have, beside what each says in its own help. */
const COMMON: readonly [flags: string, text: string][] = [
  ['-n, --dry-run', 'print what would be written and run, and touch nothing; exits as the real run would'],
  ['--other-host', 'with --dry-run: the configuration is for another host, what is missing here is no error'],
  ['--uninstall', 'remove what setup wrote; keys, KEK and user stay'],
];

const SYSTEMD = [
  '\nWrites units, drop-ins and a timer below /etc/systemd/system, jwtrot-run in /usr/local/sbin, user jwtrot (sysusers.d)',
  'with its directories (tmpfiles.d), a polkit rule for exactly the reloads that are configured, and the KEK, if it is',
  'missing and nothing was wrapped under one. It starts the timer. A file that setup did not write is never overwritten.',
  'Run it again after each change of the configuration, and after an upgrade. Settings of your own go into drop-ins:',
  'systemctl edit jwtrot.service.\n\nExamples:\n  $ jwtrot setup systemd --dry-run\n  $ sudo jwtrot setup systemd\n  $ sudo jwtrot setup systemd --keyset api    (a timer for this keyset alone)\n  $ sudo jwtrot setup systemd --readers adm   (who may look without sudo)',
].join(' ');

const CRON = [
  '\nWrites /etc/cron.d/jwtrot: each hour, as user jwtrot, and once at boot. It says nothing unless something is wrong;',
  'then cron mails it. There is no sandbox, and the KEK must be a file: cron hands no credential over. User jwtrot becomes',
  'a member of the groups that keys are delivered to. Run it again after each change of the configuration.\n\nExamples:\n  $ jwtrot setup cron --dry-run\n  $ sudo jwtrot setup cron --splay 10m',
].join(' ');

/** `setup systemd` and `setup cron`, each with a help of its own. */
export function setupVerbs(within: Within, verb: Add): void {
  const setup = within('setup', 'install a timer for this configuration');
  const by = (system: 'systemd' | 'cron', summary: string) =>
    verb(system, async () => (await import('./commands/setup.js')).setupBy(system), summary, setup);
  const systemd = by('systemd', 'units and a timer, in a sandbox');
  const cron = by('cron', 'a line in /etc/cron.d, where there is no systemd');
  for (const command of [systemd, cron]) for (const [flags, text] of COMMON) command.option(flags, text);
  systemd
    .option('--readers <group>', 'its members may run jwtrot status and jwtrot jwks; kept until --no-readers')
    .option('--no-readers', 'nobody but root may any more')
    .addHelpText('after', SYSTEMD);
  cron
    .addOption(new Option('--splay <duration>', 'spread runs over so long (default: 30m)').argParser(duration))
    .addHelpText('after', CRON);
}
