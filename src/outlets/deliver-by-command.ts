import { join } from 'node:path';
import type { Clock, Duration } from '../keyset/basics/clock.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { type Environment, runCommand } from '../outside/command.js';
import type { DeliverCommand } from './configured.js';
import { type Delivered, readDelivered, writeDelivered } from './delivered-record.js';
import { type Asking, askHolds, type HoldsMemory } from './holds.js';
import { OBSERVE_LIMIT } from './limits.js';
import { sha256Of } from './sight.js';
import type { Putting } from './target.js';

export interface DeliverSurroundings {
  readonly keyset: string;
  /** Holds the records of what commands were given. */
  readonly stateDirectory: string;
  readonly env: Environment;
  readonly path?: string | undefined;
  readonly clock: Clock;
  readonly memory: HoldsMemory;
}

/** A deliver command, with its label, and its record's name in the state directory. */
interface Named {
  readonly outlet: DeliverCommand;
  readonly label: string;
  readonly name: string;
}

/** The longest time from the end of `holds` until the record is read back. */
const READ_BACK: Duration = 5_000;
/** `holds` gets this long even if the command has used up all the time. */
const LEAST: Duration = 1_000;
/** Some places show what was written a moment later. */
const PAUSE = { first: 100, longest: 2_000 } as const;

/** How long `holds` may take after the command. */
export function holdsTime({ timeout }: DeliverCommand): Duration {
  return Math.min(timeout, OBSERVE_LIMIT.usual);
}

/** @param record names the key that was last given: `holds` may need it */
export function surroundingsOf(
  label: string,
  { keyset, env, path, memory }: DeliverSurroundings,
  asked: Pick<Asking, 'timeout' | 'isHurried'> & { readonly record: Pick<Delivered, 'kid' | 'revision'> | string },
): Asking {
  const { record, timeout, isHurried } = asked;
  const last = typeof record === 'string' ? null : { JWTROT_KID: record.kid, JWTROT_REVISION: String(record.revision) };
  const extraEnv = { JWTROT_KEYSET: keyset, ...last };
  return { label, timeout, isHurried, memory, signal: new AbortController().signal, env, extraEnv, path };
}

/** Runs the command, then asks `holds`, which must name the key. The record says which of that is done. */
export async function deliver(named: Named, putting: Putting, surroundings: DeliverSurroundings): Promise<void> {
  const { outlet, label, name } = named;
  const { directory, bytes, content, limit, newId } = putting;
  const { clock } = surroundings;
  const { active, isIncident: isHurried } = content;
  if (bytes === null || active === null) throw notTakenAway(label);
  const end = clock.monotonic() + Math.min(limit ?? Number.POSITIVE_INFINITY, outlet.timeout + holdsTime(outlet));
  const timeout = Math.min(outlet.timeout, limit ?? outlet.timeout);
  const former = await readDelivered(join(directory.through, name));
  const now = clock.now();
  // An earlier command that nobody saw end: its run was killed, or it failed and left something running.
  const busyUntil = typeof former !== 'string' && former.until !== null && former.until > now ? former.until : null;
  const { kid, thumbprint, alg, told } = active;
  const given = { kid, thumbprint, alg, told, revision: content.revision, sha256: sha256Of(bytes) };
  const until = Math.max(now + timeout, busyUntil ?? 0);
  await writeDelivered(directory, name, { ...given, settled: false, until }, newId());
  const asking = {
    ...surroundingsOf(label, surroundings, { record: given, timeout, isHurried }),
    signal: putting.signal,
  };
  const { path, ...withKey } = { ...asking, stdin: bytes, hidesOutput: true };
  const result = await runCommand(outlet.command, { ...withKey, ...(path === undefined ? {} : { path }) });
  if (!result.ok) throw notTaken(label, putting, result.reason);
  const most = limit === null ? holdsTime(outlet) : Math.min(holdsTime(outlet), OBSERVE_LIMIT.hurried);
  await awaitHeld(named, kid, asking, { clock, end: Math.min(end, clock.monotonic() + most), most });
  // Leave time to read the record back before what it says no longer counts.
  const again = busyUntil === null ? null : Math.max(busyUntil, clock.now() + READ_BACK);
  await writeDelivered(directory, name, { ...given, settled: true, until: again }, newId());
}

/** @param options.end when the outlet's time is over, monotonic @throws JwtrotError */
async function awaitHeld(
  { outlet, label }: Named,
  kid: string,
  asking: Asking,
  { clock, end, most }: { readonly clock: Clock; readonly end: number; readonly most: Duration },
): Promise<void> {
  for (let pause: number = PAUSE.first; ; pause = Math.min(2 * pause, PAUSE.longest)) {
    const left = Math.max(LEAST, end - clock.monotonic());
    const timeout = Math.min(most, left);
    const held = await askHolds(outlet.holds, { ...asking, timeout });
    if (held === kid) return;
    if (clock.monotonic() + pause >= end || asking.signal.aborted) throw notHeld(label, kid, held);
    await clock.sleep(pause, asking.signal).catch(() => {});
  }
}

function notTaken(label: string, { content }: Putting, reason: string): JwtrotError {
  const { keyset, active } = content;
  const what = `key ${quoteOutside(active?.kid ?? '')} of keyset ${keyset}`;
  return new JwtrotError(
    'services',
    'outlet-command-failed',
    `${label} did not take ${what}: ${reason}; what signers find there now is not known (what it prints is not shown: it may be the key)`,
    { hint: 'mend it: have it say what is wrong in a log of its own, without its input; then run it again' },
  );
}

function notHeld(label: string, kid: string, held: string | null): JwtrotError {
  const found = held === null ? 'no key' : 'another key';
  const message = `${label} said that it took key ${quoteOutside(kid)}, and its holds finds ${found} there: the key may be there by half`;
  return new JwtrotError('services', 'not-held', message, {
    hint: 'run holds by hand: it must print the kid of the key that is there now; then run it again',
  });
}

function notTakenAway(label: string): JwtrotError {
  const message = `${label} can be given another key, but none: the key that is there stays there`;
  return new JwtrotError('services', 'still-delivered', message, {
    hint: 'take it away by hand, so that its holds prints nothing; then: jwtrot rotate',
  });
}
