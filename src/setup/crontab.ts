import { ACCOUNT } from './account.js';
import { cronVariable } from './escape.js';
import type { SetupFacts } from './facts.js';
import { settingsOf } from './gist.js';
import { CRONTAB, STATE_DIRECTORY } from './paths.js';
import { type SetupFile, setupFile, sharedFiles } from './render.js';
import { stampLine } from './stamp.js';
import type { Templates } from './templates.js';

/** PAM may set these from /etc/environment: they load code, change the trusted CAs, or stop Node before jwtrot runs. */
const COMMAND = 'env -u NODE_OPTIONS -u OPENSSL_CONF -u NODE_EXTRA_CA_CERTS -u NODE_CHANNEL_FD jwtrot';

/** The files for cron. There is no sandbox, and only cron itself can write the outlets at boot. */
export function cronFiles(
  facts: SetupFacts,
  templates: Templates,
  { keysets, splay }: { keysets: readonly string[]; splay: string },
): SetupFile[] {
  const chosen = keysets.map((name) => ` --keyset ${name}`).join('');
  const text = `${[
    `# Written by \`jwtrot setup cron\` from ${facts.source}.`,
    stampLine(facts),
    '# Says nothing unless something is wrong: cron mails what stands on standard error. Beside a timer it does no harm: one of',
    '# two runs at a time gives way.',
    'SHELL=/bin/sh',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    `STATE_DIRECTORY=${STATE_DIRECTORY}`,
    ...(facts.isDefaultSource ? [] : [cronVariable('JWTROT_CONFIG', facts.source)]),
    `0 * * * * ${ACCOUNT} ${COMMAND} rotate --quiet --splay ${splay}${chosen} >/dev/null`,
    `@reboot ${ACCOUNT} ${COMMAND} sync --quiet${chosen} >/dev/null`,
  ].join('\n')}\n`;
  const crontab = { ...setupFile(CRONTAB, text), gist: settingsOf(text).join('\n') };
  return [crontab, ...sharedFiles(facts, templates)];
}
