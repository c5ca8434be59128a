import { quoteOutside } from '../../keyset/basics/outside-text.js';
import { type CommandResult, runCommand } from '../../outside/command.js';
import { fillUnit } from '../fill.js';
import type { Instance, Reload, ReloadOrder, ReloadResult, SystemdAction } from '../service.js';
import type { ServiceSettings } from '../settings.js';

type BySystemd = Extract<Reload, { type: 'systemd' }>;

interface Fault {
  /** Matches systemctl's English message (systemd 252 to 257). */
  readonly says: RegExp;
  readonly reason: (unit: string) => string;
  readonly hint: (unit: string) => string;
}

const DENIED: Fault = {
  says: /access denied|authentication (is )?required|interactive authentication|permission denied|not authorized/i,
  reason: (unit) => `systemd denies this user to control unit ${unit}`,
  hint: (unit) => `run as root, or allow this user org.freedesktop.systemd1.manage-units for ${unit} by a polkit rule`,
};

const STOPPED: Fault = {
  says: /is not active, cannot reload/i,
  reason: (unit) => `unit ${unit} is not running`,
  hint: (unit) => `systemctl start ${unit}, or set action: reload-or-restart`,
};

const JOB_FAILED: Fault = {
  says: /^(A dependency )?job for .* (failed|canceled|cancelled)|timeout was exceeded|assertion failed/im,
  reason: (unit) => `the job of unit ${unit} failed`,
  hint: (unit) => `systemctl status ${unit}; journalctl -eu ${unit}`,
};

/** The first match counts. A message about access may also name the unit, so access comes early. */
const FAULTS: readonly Fault[] = [
  {
    says: /not been booted with systemd|failed to connect to (system scope )?bus|failed to get D-Bus connection/i,
    reason: () => "this system does not run systemd, or its bus can't be reached",
    hint: () => 'reload it by a command, a signal or http instead (in a container the host’s systemd is out of reach)',
  },
  DENIED,
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
  STOPPED,
  JOB_FAILED,
];

/** Runs systemctl. It must not ask for a password, since nobody is there to type it. */
export async function reloadBySystemd(
  { unit, action, timeout }: BySystemd,
  instance: Instance,
  { env, path, whenDenied }: ServiceSettings,
  { signal, startIfStopped = false }: ReloadOrder,
): Promise<ReloadResult> {
  const filled = fillUnit(unit, instance);
  const ask = (verb: SystemdAction) => {
    const command = { argv: ['systemctl', '--no-ask-password', verb, filled] as const, env: [] };
    return runCommand(command, { env, timeout, signal, ...(path === undefined ? {} : { path }) });
  };
  let result = await ask(action);
  const isStopped = !result.ok && result.kind === 'failed' && STOPPED.says.test(result.stderr);
  if (isStopped && startIfStopped) result = await ask('start');
  return result.ok ? { ok: true } : explain(result, filled, whenDenied);
}

function explain(
  result: Extract<CommandResult, { ok: false }>,
  unit: string,
  whenDenied: string | undefined,
): ReloadResult {
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
  const hint = fault === DENIED ? whenDenied : undefined;
  return { ok: false, reason: `${fault.reason(shown)} (${result.reason})`, hint: hint ?? fault.hint(shown) };
}
