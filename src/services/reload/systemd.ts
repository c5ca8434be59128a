import { quoteOutside } from '../../keyset/outside-text.js';
import { type CommandResult, runCommand } from '../../outside/command.js';
import { fill } from '../fill.js';
import type { Instance, Reload, ReloadResult } from '../service.js';
import type { ServiceSettings } from '../settings.js';

type BySystemd = Extract<Reload, { type: 'systemd' }>;

interface Fault {
  /** Of systemctl's messages in English (systemd 252 to 257). */
  readonly says: RegExp;
  readonly reason: (unit: string) => string;
  readonly hint: (unit: string) => string;
}

/** The first that matches. A message about access may also name the unit, so access comes first. */
const FAULTS: readonly Fault[] = [
  {
    says: /not been booted with systemd|failed to connect to (system scope )?bus|failed to get D-Bus connection/i,
    reason: () => 'this system does not run systemd, or its bus can not be reached',
    hint: () => 'reload it by a command, a signal or http instead (in a container the host’s systemd is out of reach)',
  },
  {
    says: /access denied|authentication (is )?required|interactive authentication|permission denied|not authorized/i,
    reason: (unit) => `systemd denies this user to control unit ${unit}`,
    hint: (unit) =>
      `run as root, or allow this user org.freedesktop.systemd1.manage-units for ${unit} by a polkit rule`,
  },
  {
    says: /job type reload is not applicable/i,
    reason: (unit) => `unit ${unit} has no ExecReload=`,
    hint: () => 'add ExecReload= to the unit, or set action: restart',
  },
  {
    says: /\bis masked\b/i,
    reason: (unit) => `unit ${unit} is masked`,
    hint: (unit) => `systemctl unmask ${unit}`,
  },
  {
    says: /not found|not loaded|no such (file|unit)|could not be found/i,
    reason: (unit) => `there is no unit ${unit}`,
    hint: (unit) => `check the name: systemctl status ${unit}`,
  },
  {
    says: /is not active, cannot reload/i,
    reason: (unit) => `unit ${unit} is not running`,
    hint: (unit) => `systemctl start ${unit}, or set action: reload-or-restart`,
  },
  {
    says: /^(A dependency )?job for .* (failed|canceled|cancelled)|timeout was exceeded|assertion failed/im,
    reason: (unit) => `the job of unit ${unit} failed`,
    hint: (unit) => `systemctl status ${unit}; journalctl -eu ${unit}`,
  },
];

/** Asks systemd; never for a password, since nobody is there to type it. */
export async function reloadBySystemd(
  { unit, action, timeout }: BySystemd,
  instance: Instance,
  { env, path }: ServiceSettings,
  signal: AbortSignal,
): Promise<ReloadResult> {
  const filled = fill(unit, instance);
  const command = { argv: ['systemctl', '--no-ask-password', action, filled] as const, env: [] };
  const result = await runCommand(command, { env, timeout, signal, ...(path === undefined ? {} : { path }) });
  return result.ok ? { ok: true } : explain(result, filled);
}

function explain(result: Extract<CommandResult, { ok: false }>, unit: string): ReloadResult {
  if (result.kind === 'missing') {
    return {
      ok: false,
      reason: 'no systemctl on this system',
      hint: 'reload it by a command, a signal or http instead',
    };
  }
  const shown = quoteOutside(unit).slice(1, -1);
  const fault = result.kind === 'failed' ? FAULTS.find(({ says }) => says.test(result.stderr)) : undefined;
  const status = `systemctl status ${shown}; journalctl -eu ${shown}`;
  if (fault === undefined) return { ok: false, reason: `systemctl: ${result.reason}`, hint: status };
  return { ok: false, reason: `${fault.reason(shown)} (${result.reason})`, hint: fault.hint(shown) };
}
