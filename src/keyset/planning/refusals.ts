import type { Duration, Instant } from '../basics/clock.js';
import { approximateDuration } from '../basics/duration.js';
import { quoteOutside } from '../basics/outside-text.js';
import type { Policy } from '../basics/policy.js';
import type { Manifest } from '../manifest/model.js';
import { isRetired } from '../manifest/states.js';
import type { Holding } from '../published/jwk-set.js';
import { MOST_OFFSET } from '../questions/clock-trust.js';
import { newestEventAt } from '../questions/events.js';
import { activeKey } from '../questions/keys.js';
import { isIncident } from '../questions/open-incidents.js';
import { isUnpublished } from '../transitions/adoption.js';
import type { Known, PlanInput, Refusal } from './action.js';

/** Refusals that block every action. */
export function standingRefusal(known: Known): Refusal | null {
  return otherHost(known) ?? unknownKeys(known);
}

function otherHost({ manifest, observations: { host }, request }: Known): Refusal | null {
  if (!host.bound || manifest.host === null || manifest.host.id === host.id || request.takeOver) return null;
  // A foreign kid may be any text. Only a plain one goes into a command to type.
  const plain = (kid: string) => (/^[\w.-]+$/.test(kid) ? kid : 'KID');
  const again = request.retire === null ? 'rotate' : `retire --kid ${plain(request.retire.kid)}`;
  return {
    code: 'other-host',
    message: `keyset ${manifest.name} belongs to host ${quoteOutside(manifest.host.hostname)}: its outlets and reloads are there, this host is ${quoteOutside(host.hostname)}; nothing was changed`,
    hint: `run it there; or, if that host is gone, move the keyset here with: jwtrot ${again} --take-over`,
  };
}

/** Never overwrites a key that the manifest does not know. An incident only leaves its outlet alone. */
export function unknownKeys({ keyset, manifest, observations, request }: PlanInput): Refusal | null {
  if (manifest !== null && (request.incidentOnly || request.retire !== null || isIncident(manifest))) return null;
  const unseen = manifest === null ? observations.holdings.filter(isUnseen) : [];
  const found = observations.holdings
    .filter((holding) => !unseen.includes(holding))
    .flatMap((holding) => unknownIn(holding, manifest));
  if (manifest === null) {
    found.push(
      ...observations.reported.map(({ service, url, kid }) => ({
        text: `${quoteOutside(kid)} at ${service} (${url})`,
        hint: null,
      })),
    );
  }
  if (found.length === 0 && unseen.length > 0) return notSeen(keyset, unseen);
  if (found.length === 0) return heldUnpublished(keyset, manifest, observations.holdings);
  const isReported = manifest === null && observations.reported.length > 0;
  const other = isReported ? '; or, if something else answers at that URL, end it and run this again' : '';
  const hints = [...new Set(found.flatMap((one) => one.hint ?? []))];
  const isReadable = found.some((one) => one.hint === null);
  const adopting =
    manifest === null ? `${importHint(keyset)}${other}` : unknownKeyHint(keyset, activeKey(manifest) !== null);
  return {
    code: 'unknown-keys',
    message: `keyset ${keyset} does not know ${found.map(({ text }) => text).join(', ')}: tokens may depend on ${found.length === 1 ? 'it' : 'them'}; nothing was changed`,
    hint: [...(isReadable ? [adopting] : []), ...hints].join('; '),
  };
}

/** Where a key is delivered, nobody could look: a `holds` failed. That says nothing of a key. */
function isUnseen({ kind, keys, intact, problem }: Holding): boolean {
  return kind === 'deliver' && keys?.length === 0 && !intact && problem !== undefined;
}

function notSeen(keyset: string, unseen: readonly Holding[]): Refusal {
  const why = unseen.map(({ outlet, problem = '' }) => (problem.includes(outlet) ? problem : `${outlet}: ${problem}`));
  return {
    code: 'not-seen',
    kind: 'services',
    message: `keyset ${keyset} has no key yet, and where it will be delivered another may be in use: ${why.join('; ')}; nothing was changed`,
    hint: 'run holds by hand: it must print the kid alone, or nothing where no key is there, and exit 0; then run this again',
  };
}

/**
 * An outlet holds a key that the manifest has not published, so it was published later than the store knows. Giving the
 * key up would reject its tokens.
 */
function heldUnpublished(keyset: string, manifest: Manifest | null, holdings: readonly Holding[]): Refusal | null {
  const unpublished = new Set(manifest?.keys.filter(isUnpublished).map(({ thumbprint }) => thumbprint));
  const found = holdings.flatMap(({ outlet, keys }) =>
    (keys ?? [])
      .filter(({ thumbprint }) => unpublished.has(thumbprint))
      .map(({ kid, thumbprint }) => `${quoteOutside(kid ?? thumbprint)} in ${outlet}`),
  );
  if (found.length === 0) return null;
  const [one, past] = found.length === 1 ? ['it', 'it was'] : ['them', 'they were'];
  return {
    code: 'other-history',
    message: `the store of keyset ${keyset} has not published ${found.join(', ')}: ${past} published later than the store knows, and tokens may depend on ${one}; nothing was changed`,
    hint: `if the store was restored from a backup: jwtrot store recover --keyset ${keyset}`,
  };
}

/** Such an entry lacks a member or is of an unknown type, so it can be neither imported nor retired. */
export function unreadKeyHint(outlet: string): string {
  return `if nobody depends on what can't be read as a key, take it out of ${outlet} by hand, or move the file away; then run it again`;
}

/** What its `holds` printed is not shown: it may be a private key. */
export function saidKeyHint(outlet: string): string {
  return `run holds of ${outlet} by hand: it prints what is there; if nobody depends on that key, take it away there, then run it again`;
}

function importHint(keyset: string): string {
  return `adopt the key in use first: jwtrot import --keyset ${keyset} --pem FILE (or --jwk FILE; --public FILE for one that only verifies)`;
}

/** What to do about an unknown key in an existing keyset. Beside an active key, no other can be imported to sign. */
export function unknownKeyHint(keyset: string, hasActiveKey: boolean): string {
  return [
    hasActiveKey ? `to go on accepting its tokens: jwtrot import --keyset ${keyset} --public FILE` : importHint(keyset),
    `if the store was restored from a backup: jwtrot store recover --keyset ${keyset}`,
    `if nobody depends on it: jwtrot retire --keyset ${keyset} --kid KID`,
  ].join('; ');
}

interface Unknown {
  /** For people. */
  readonly text: string;
  /** What to do if the entry can't be read as a key; null: it can. */
  readonly hint: string | null;
}

function unknownIn({ outlet, format, keys, intact }: Holding, manifest: Manifest | null): Unknown[] {
  if (manifest === null && keys?.length === 0 && !intact) {
    return [{ text: `something that can't be read in ${outlet}`, hint: unreadKeyHint(outlet) }];
  }
  const known = manifest?.keys ?? [];
  return (keys ?? []).flatMap(({ kid, thumbprint, isSaid }) => {
    const named = known.findLast((key) => (kid === null ? key.thumbprint === thumbprint : key.kid === kid));
    if (named !== undefined && (named.thumbprint === thumbprint || (thumbprint === '' && isRetired(named)))) return [];
    // The file of a known kid is written anew, or goes; and so does any that holds a retired key.
    const isGone = known.some((key) => isRetired(key) && key.thumbprint === thumbprint);
    if (format === 'pem-files' && (named !== undefined || isGone)) return [];
    // A command can name a key, but not its pair.
    if (isSaid && named !== undefined) return [];
    if (isSaid) return [{ text: `the key in ${outlet}`, hint: saidKeyHint(outlet) }];
    const name = quoteOutside(kid ?? thumbprint);
    const what = named === undefined ? name : `another key named ${name}`;
    return [{ text: `${what} in ${outlet}`, hint: thumbprint === '' ? unreadKeyHint(outlet) : null }];
  });
}

export function noKeyset({ keyset }: Pick<PlanInput, 'keyset'>): Refusal {
  return {
    code: 'no-keyset',
    message: `keyset ${keyset} does not exist: there is no key; nothing was changed`,
    hint: 'check the configuration and the store; jwtrot status shows what is there',
  };
}

const SET_CLOCK = 'set the clock (timedatectl); if this clock is the right one: jwtrot rotate --accept-clock';

export function clockRefusal(
  manifest: Manifest,
  now: Instant,
  offset: Duration | null,
  clockBehind: Duration = 0,
): Refusal {
  const event = newestEventAt(manifest) ?? now;
  const newest = Math.max(event, now + clockBehind);
  const [what, state] =
    event === newest
      ? [`the newest event of keyset ${manifest.name}`, 'nothing was changed']
      : ['the time that this run has seen', 'what was done so far stands'];
  const agrees = offset !== null && Math.abs(offset) <= MOST_OFFSET;
  return {
    code: 'clock-behind',
    message: `this clock (${new Date(now).toISOString()}) is ${approximateDuration(newest - now)} behind ${what} (${new Date(newest).toISOString()}); rotation, expiry and destruction are refused, ${state}`,
    hint: agrees
      ? "the store's own clock agrees with this one, so another one was ahead: jwtrot rotate --accept-clock"
      : SET_CLOCK,
  };
}

/** This clock and the store's differ by more than allowed. */
export function offsetRefusal(keyset: string, now: Instant, offset: Duration): Refusal {
  const [code, how] = offset > 0 ? (['clock-ahead', 'ahead of'] as const) : (['clock-behind', 'behind'] as const);
  return {
    code,
    message: `this clock (${new Date(now).toISOString()}) is ${approximateDuration(Math.abs(offset))} ${how} that of keyset ${keyset}'s store (${new Date(now - offset).toISOString()}); rotation, expiry and destruction are refused, nothing was changed`,
    hint: SET_CLOCK,
  };
}

export function tooManyKeys(manifest: Manifest, policy: Policy, count: number): Refusal {
  return {
    code: 'too-many-keys',
    message: `keyset ${manifest.name} has ${count} keys in its JWKS, one more would exceed maxKeys ${policy.maxKeys}; nothing was changed`,
    hint: 'wait until the oldest expires (jwtrot status tells when), or raise maxKeys',
  };
}
