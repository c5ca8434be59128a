import type { Duration } from '../keyset/basics/clock.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { type Command, type Environment, runCommand } from '../outside/command.js';
import { OBSERVE_LIMIT } from './limits.js';

export interface Asking {
  /** The outlet, for messages. */
  readonly label: string;
  readonly timeout: Duration;
  readonly signal: AbortSignal;
  readonly env: Environment;
  /** `JWTROT_…` */
  readonly extraEnv: Readonly<Record<string, string>>;
  readonly path?: string | undefined;
}

/** A `holds` that was too slow before delays nobody twice, except where there is time. */
const AGAIN: Duration = 200;
/** By their command lines, those that did not answer in time when last asked. */
const silent = new Set<string>();

/** Longer than any kid that a JWKS is known to have, shorter than any private key in PEM. */
const LONGEST_KID = 200;

/**
 * Asks `holds` which key is there. What it prints may be anything, a private key too, so no message quotes it.
 * @returns the kid; null: none is there
 * @throws JwtrotError `holds-failed`
 */
export async function askHolds(holds: Command, asking: Asking): Promise<string | null> {
  const { label, signal, env, extraEnv, path } = asking;
  const id = JSON.stringify(holds.argv);
  const isHurried = asking.timeout <= OBSERVE_LIMIT.hurried;
  const timeout = isHurried && silent.has(id) ? Math.min(AGAIN, asking.timeout) : asking.timeout;
  const limits = { timeout, signal, env, extraEnv, hidesOutput: true, ...(path === undefined ? {} : { path }) };
  const result = await runCommand(holds, limits);
  if (!result.ok && result.kind === 'expired') silent.add(id);
  else silent.delete(id);
  if (!result.ok) throw unread(label, result.reason);
  const printed = result.stdout.trim();
  if (result.truncated || (printed !== '' && !isSayable(printed))) throw unread(label, 'it prints more than a kid');
  return printed === '' ? null : printed;
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
