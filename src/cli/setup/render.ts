import { ACCOUNT, type SetupFacts, STATE_DIRECTORY } from './facts.js';
import type { Permission } from './permissions.js';
import type { Templates } from './templates.js';

/** A file that setup writes. */
export interface SetupFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

const UNITS = '/etc/systemd/system';
export const RUN = '/usr/local/sbin/jwtrot-run';
export const CRONTAB = '/etc/cron.d/jwtrot';
const SYSUSERS = '/etc/sysusers.d/jwtrot.conf';
const TMPFILES = '/etc/tmpfiles.d/jwtrot.conf';
const RULES = '/etc/polkit-1/rules.d/50-jwtrot.rules';
const SANDBOXED = ['jwtrot.service', 'jwtrot@.service', 'jwtrot-sync.service'] as const;
const PLAIN = [...SANDBOXED, 'jwtrot.timer', 'jwtrot@.timer', 'jwtrot-failure@.service'] as const;

/** Everything that setup ever writes, so that what is no longer needed is found. */
export const SYSTEMD_PATHS: readonly string[] = [
  ...PLAIN.map((name) => `${UNITS}/${name}`),
  ...SANDBOXED.flatMap((name) => [sandboxOf(name), configurationOf(name)]),
  RUN,
];
/** What a timer and a crontab both need. */
export const SHARED_PATHS: readonly string[] = [SYSUSERS, TMPFILES, RULES];

function sandboxOf(unit: string): string {
  return `${UNITS}/${unit}.d/10-jwtrot-sandbox.conf`;
}

function configurationOf(unit: string): string {
  return `${UNITS}/${unit}.d/20-jwtrot-configuration.conf`;
}

export function systemdFiles(facts: SetupFacts, templates: Templates): SetupFile[] {
  return [
    ...PLAIN.map((name) => file(`${UNITS}/${name}`, templates[name])),
    ...SANDBOXED.map((name) => file(sandboxOf(name), templates['sandbox.conf'])),
    ...SANDBOXED.map((name) => file(configurationOf(name), configurationDropIn(facts, name))),
    file(RUN, templates['jwtrot-run'], 0o755),
    ...sharedFiles(facts, templates),
  ];
}

function sharedFiles(facts: SetupFacts, templates: Templates): SetupFile[] {
  return [
    file(SYSUSERS, templates['jwtrot.sysusers']),
    file(TMPFILES, tmpfiles(facts, templates)),
    ...(facts.permissions.length === 0 ? [] : [file(RULES, polkitRule(facts.permissions, templates))]),
  ];
}

/** Under cron there is no sandbox, and nobody to write the outlets at boot but cron itself. */
export function cronFiles(
  facts: SetupFacts,
  templates: Templates,
  { keysets, splay }: { keysets: readonly string[]; splay: string },
): SetupFile[] {
  const chosen = keysets.map((name) => ` --keyset ${name}`).join('');
  const lines = [
    `# Written by \`jwtrot setup cron\` from ${facts.source}.`,
    '# Says nothing unless something is wrong: cron mails what stands on standard error. Beside a timer it does no harm: one of',
    '# two runs at a time gives way.',
    'SHELL=/bin/sh',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    `STATE_DIRECTORY=${STATE_DIRECTORY}`,
    ...(facts.isDefaultSource ? [] : [`JWTROT_CONFIG=${facts.source}`]),
    `0 * * * * ${ACCOUNT} jwtrot rotate --quiet --splay ${splay}${chosen} >/dev/null`,
    `@reboot ${ACCOUNT} jwtrot sync --quiet${chosen} >/dev/null`,
  ];
  return [file(CRONTAB, `${lines.join('\n')}\n`), ...sharedFiles(facts, templates)];
}

function file(path: string, text: string, mode = 0o644): SetupFile {
  return { path, text, mode };
}

function configurationDropIn(facts: SetupFacts, unit: (typeof SANDBOXED)[number]): string {
  const isSync = unit === 'jwtrot-sync.service';
  const before = isSync && facts.units.length > 0 ? ['[Unit]', `Before=${facts.units.join(' ')}`, ''] : [];
  const { credential } = facts;
  return `${[
    `# Written by \`jwtrot setup systemd\` from ${facts.source}: run it again after each change there.`,
    ...before,
    '[Service]',
    ...(facts.isDefaultSource ? [] : [`Environment=${quote(`JWTROT_CONFIG=${facts.source}`)}`]),
    ...(isSync
      ? []
      : ['# All deadlines of a run, and a minute.', `TimeoutStartSec=${Math.ceil(facts.timeLimit / 1000)}s`]),
    ...[...facts.outlets, ...facts.state].map((path) => `ReadWritePaths=${quote(`-${path}`)}`),
    ...facts.groups.map((group) => `SupplementaryGroups=${group}`),
    ...(credential === null ? [] : [`LoadCredentialEncrypted=${credential}:${credentialPath(credential)}`]),
  ].join('\n')}\n`;
}

export function credentialPath(name: string): string {
  return `/etc/credstore.encrypted/${name}`;
}

/** ":" in tmpfiles.d(5): for a directory that is made here alone. One that is there belongs to somebody. */
function tmpfiles(facts: SetupFacts, templates: Templates): string {
  const line = (path: string, mode: string) => `d ${quote(path)} :${mode} :${ACCOUNT} :${ACCOUNT} -\n`;
  const outlets = facts.outlets.filter((path) => path !== '/run/jwtrot').map((path) => line(path, '0755'));
  return `${templates['jwtrot.tmpfiles']}${[...outlets, ...facts.state.map((path) => line(path, '0700'))].join('')}`;
}

function polkitRule(permissions: readonly Permission[], templates: Templates): string {
  const list = permissions.map(({ verb, unit }) => `  { verb: "${verb}", unit: /^${unit}$/ },\n`).join('');
  return templates['jwtrot.rules'].replace('var JWTROT_MAY = [];', () => `var JWTROT_MAY = [\n${list}];`);
}

/** systemd.syntax(7): a word with blanks in quotes, "%" doubled. */
function quote(word: string): string {
  const escaped = word.replaceAll('%', '%%').replaceAll('\\', '\\\\');
  return /[\s"']/.test(escaped) ? `"${escaped.replaceAll('"', '\\"')}"` : escaped;
}
