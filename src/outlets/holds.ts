import type { Duration } from '../keyset/basics/clock.js';
import { formatDuration } from '../keyset/basics/duration.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { type Command, type CommandResult, type Environment, runCommand } from '../outside/command.js';
import { within } from '../outside/limit.js';

/** Of one outlet, as long as a run lasts. */
export interface HoldsMemory {
  /** It did not answer in time when last asked, so it delays nobody in a hurry again. */
  isSilent: boolean;
}

export interface Asking {
  readonly memory: HoldsMemory;
  /** The outlet, for messages. */
  readonly label: string;
  readonly timeout: Duration;
  /** An incident, or a person, waits. */
  readonly isHurried: boolean;
  readonly signal: AbortSignal;
  readonly env: Environment;
  /** `JWTROT_…` */
  readonly extraEnv: Readonly<Record<string, string>>;
  readonly path?: string | undefined;
}

/** How long somebody in a hurry also waits for it to end. After that it ends in the background. */
const TO_END: Duration = 200;

/** Longer than any kid that a JWKS is known to have, shorter than any private key in PEM. */
const LONGEST_KID = 200;

/**
 * Asks `holds` which key is there. What it prints may be anything, a private key too, so no message quotes it.
 * @returns the kid; null: none is there
 * @throws JwtrotError `holds-failed`
 */
export async function askHolds(holds: Command, asking: Asking): Promise<string | null> {
  const { label, isHurried, memory } = asking;
  if (isHurried && memory.isSilent) throw unread(label, 'it did not answer in time before, and is not asked again');
  const result = await run(holds, asking);
  memory.isSilent = !result.ok && result.kind === 'expired';
  if (!result.ok) throw unread(label, result.reason);
  const printed = result.stdout.trim();
  if (result.truncated || (printed !== '' && !isSayable(printed))) throw unread(label, 'it prints more than a kid');
  return printed === '' ? null : printed;
}

async function run(holds: Command, asking: Asking): Promise<CommandResult> {
  const { timeout, signal, isHurried, env, extraEnv, path } = asking;
  const limits = { timeout, signal, env, extraEnv, hidesOutput: true, ...(path === undefined ? {} : { path }) };
  if (!isHurried) return runCommand(holds, limits);
  const ended = await within(timeout + TO_END, signal, () => runCommand(holds, limits));
  if (ended.ended === 'done') return ended.value;
  const reason = ended.ended === 'expired' ? `not done within ${formatDuration(timeout)}` : 'interrupted';
  return { ok: false, kind: ended.ended, reason, stderr: '' };
}

function unread(label: string, reason: string): JwtrotError {
  const message = `what ${label} holds is not known: its holds: ${reason} (what it prints is not shown: it may be the key)`;
  return new JwtrotError('services', 'holds-failed', message, {
    hint: 'run holds by hand: it must print the kid alone, or nothing where no key is there, and exit 0',
  });
}

/** Whether `holds` can print this kid so that it is taken for one. */
export function isSayable(kid: string): boolean {
  return kid.length > 0 && kid.length <= LONGEST_KID && !/[\s\p{Cc}\p{Cs}]/u.test(kid);
}
