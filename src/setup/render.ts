import { ACCOUNT } from './account.js';
import { scriptString, systemdWord } from './escape.js';
import type { SetupFacts } from './facts.js';
import { fillLines, settingsOf } from './gist.js';
import * as at from './paths.js';
import type { Permission } from './permissions.js';
import { readerLines, readerSettings } from './readers.js';
import { stampLine } from './stamp.js';
import type { Templates } from './templates.js';

/** A file that setup writes. */
export interface SetupFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
  /** What a person should review before it is written. */
  readonly gist?: string;
}

export function systemdFiles(facts: SetupFacts, templates: Templates): SetupFile[] {
  const sandbox = templates['sandbox.conf'];
  return [
    ...at.PLAIN.map((name) => setupFile(at.unitPath(name), templates[name])),
    // They are all alike, so show one.
    ...at.SANDBOXED.map((name, i) => ({
      ...setupFile(at.sandboxOf(name), sandbox),
      ...(i === 0 ? { gist: fillLines(settingsOf(sandbox)) } : {}),
    })),
    ...at.SANDBOXED.map((name) => configurationDropIn(facts, name)),
    { ...setupFile(at.RUN, templates['jwtrot-run']), mode: 0o755 },
    ...sharedFiles(facts, templates),
  ];
}

/** Files for both a timer and a crontab. */
export function sharedFiles(facts: SetupFacts, templates: Templates): SetupFile[] {
  return [
    withLines(setupFile(at.SYSUSERS, templates['jwtrot.sysusers']), members(facts)),
    withLines(setupFile(at.TMPFILES, templates['jwtrot.tmpfiles']), directories(facts)),
    ...(facts.permissions.length === 0 ? [] : [polkitRule(facts.permissions, templates)]),
  ];
}

export function setupFile(path: string, text: string): SetupFile {
  return { path, text, mode: 0o644 };
}

function withLines(file: SetupFile, lines: readonly string[]): SetupFile {
  if (lines.length === 0) return file;
  return { ...file, text: `${file.text}${lines.join('\n')}\n`, gist: lines.join('\n') };
}

function configurationDropIn(facts: SetupFacts, unit: (typeof at.SANDBOXED)[number]): SetupFile {
  const isSync = unit === 'jwtrot-sync.service';
  const before = isSync && facts.units.length > 0 ? ['[Unit]', `Before=${facts.units.join(' ')}`, ''] : [];
  const { credential } = facts;
  const text = `${[
    `# Written by \`jwtrot setup systemd\` from ${facts.source}: run it again after each change there.`,
    stampLine(facts),
    ...before,
    '[Service]',
    ...(facts.isDefaultSource ? [] : [`Environment=${systemdWord(`JWTROT_CONFIG=${facts.source}`)}`]),
    ...(isSync
      ? []
      : ['# All deadlines of a run, and a minute.', `TimeoutStartSec=${Math.ceil(facts.timeLimit / 1000)}s`]),
    ...[...facts.outlets, ...facts.state].map((path) => `ReadWritePaths=${systemdWord(`-${path}`)}`),
    ...facts.groups.map((group) => `SupplementaryGroups=${group}`),
    ...readerSettings(facts.readers),
    ...(credential === null ? [] : [`LoadCredentialEncrypted=${credential}:${at.credentialPath(credential)}`]),
  ].join('\n')}\n`;
  const file = setupFile(at.configurationOf(unit), text);
  // The three are nearly alike, so show one and what differs.
  const shown = isSync ? before.slice(1, 2) : unit === 'jwtrot.service' ? settingsOf(text) : [];
  return shown.length === 0 ? file : { ...file, gist: shown.join('\n') };
}

/** sysusers.d(5) lines. The unit names the groups as well, so that a change needs no new login. */
function members({ members: groups }: SetupFacts): string[] {
  return groups.map((group) => `m ${ACCOUNT} ${group}`);
}

/** tmpfiles.d(5) lines. ":" applies only to a directory made here: an existing one belongs to somebody. */
function directories({ outlets, leftAlone, state, readers }: SetupFacts): string[] {
  const line = (path: string, mode: string) => `d ${systemdWord(path)} :${mode} :${ACCOUNT} :${ACCOUNT} -`;
  const others = new Set(['/run/jwtrot', ...leftAlone]);
  const shared = [readers?.store, readers?.records];
  return [
    ...outlets.filter((path) => !others.has(path)).map((path) => line(path, '0755')),
    ...state.filter((path) => !shared.includes(path)).map((path) => line(path, '0700')),
    ...readerLines(readers),
  ];
}

function polkitRule(permissions: readonly Permission[], templates: Templates): SetupFile {
  const list = permissions
    .map(({ verb, unit }) => `  { verb: ${scriptString(verb)}, unit: new RegExp(${scriptString(`^${unit}$`)}) },\n`)
    .join('');
  const text = templates['jwtrot.rules'].replace('var JWTROT_MAY = [];', () => `var JWTROT_MAY = [\n${list}];`);
  const may = permissions.map(({ verb, unit }) => `${verb} ${unit.replace('[^@/ ]+', '*').replace(/\\(.)/g, '$1')}`);
  return { ...setupFile(at.RULES, text), gist: may.join('\n') };
}
