import { existsSync } from 'node:fs';
import { didYouMean } from '../config/suggest.js';
import { runCommand } from '../outside/command.js';
import type { UnitReload } from './permissions.js';

const BOOTED = '/run/systemd/system';

/** What this host's systemd can't do about a configured reload. */
export interface UnitNote {
  /** For people. */
  readonly text: string;
  /** Every action on the unit fails. A unit that only lacks a reload can still be started. */
  readonly isUnusable: boolean;
}

/** Notes for units that are misspelt, masked or have no reload. Empty without a running systemd. */
export async function unitNotes(reloads: readonly UnitReload[], signal: AbortSignal): Promise<UnitNote[]> {
  if (reloads.length === 0 || !existsSync(BOOTED)) return [];
  const shown = await ask(
    ['systemctl', 'show', '--property=Id,LoadState,CanReload', ...reloads.map(({ unit }) => unit)],
    signal,
  );
  if (shown === null) return [];
  const answers = shown.trim().split(/\n\n+/).map(fieldsOf);
  const notes: UnitNote[] = [];
  const note = (text: string, isUnusable: boolean) => notes.push({ text, isUnusable });
  for (const [i, { unit, verb }] of reloads.entries()) {
    const { LoadState: state, CanReload: canReload } = answers[i] ?? {};
    if (state === 'not-found')
      note(`there is no unit ${unit} on this host${didYouMean(unit, await known(signal))}`, true);
    else if (state === 'masked') note(`unit ${unit} is masked: systemctl unmask ${unit}`, true);
    else if (verb === 'reload' && canReload === 'no')
      note(`unit ${unit} has no ExecReload=: add it (systemctl edit ${unit}), or set action: restart`, false);
  }
  return notes;
}

async function known(signal: AbortSignal): Promise<string[]> {
  const listed = await ask(['systemctl', 'list-unit-files', '--plain', '--no-legend', '--no-pager'], signal);
  return (listed ?? '').split('\n').flatMap((line) => line.split(/\s/)[0] || []);
}

function fieldsOf(block: string): Readonly<Record<string, string>> {
  return Object.fromEntries(block.split('\n').map((line) => [line.split('=')[0], line.slice(line.indexOf('=') + 1)]));
}

async function ask(argv: readonly [string, ...string[]], signal: AbortSignal): Promise<string | null> {
  const answer = await runCommand({ argv, env: [] }, { timeout: 20_000, signal, env: {} });
  return answer.ok ? answer.stdout : null;
}
