import { runCommand } from '../../outside/command.js';
import { fill } from '../fill.js';
import type { Instance, Reload, ReloadResult } from '../service.js';
import type { ServiceSettings } from '../settings.js';

type ByCommand = Extract<Reload, { type: 'command' }>;

const HINTS: Readonly<Record<string, string>> = {
  missing: 'give its absolute path; a bare name is looked for in a fixed PATH',
  denied: 'make it executable for this user',
  failed: 'run it by hand as the same user; only the variables that `env` names are passed on',
  expired: 'raise its timeout, or find out why it takes so long',
};

/** Runs a command, with `{name}` and `{address}` filled into its arguments. */
export async function reloadByCommand(
  { command, timeout }: ByCommand,
  instance: Instance,
  { env, path }: ServiceSettings,
  signal: AbortSignal,
): Promise<ReloadResult> {
  const [program, ...args] = command.argv;
  const filled = { ...command, argv: [program, ...args.map((argument) => fill(argument, instance))] as const };
  const result = await runCommand(filled, { env, timeout, signal, ...(path === undefined ? {} : { path }) });
  return result.ok ? { ok: true } : { ok: false, reason: result.reason, hint: HINTS[result.kind] ?? null };
}
