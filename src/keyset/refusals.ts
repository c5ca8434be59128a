import type { Known, PlanInput, Refusal } from './action.js';
import { newestEventAt } from './change.js';
import type { Duration, Instant } from './clock.js';
import { MOST_OFFSET } from './clock-trust.js';
import { approximateDuration } from './duration.js';
import type { Manifest } from './model.js';
import { quoteOutside } from './outside-text.js';
import type { Policy } from './policy.js';
import type { Holding } from './projection.js';

/** What forbids every action, whatever is due. */
export function standingRefusal(known: Known): Refusal | null {
  return otherHost(known) ?? unknownKeys(known);
}

function otherHost({ manifest, observations: { host }, request }: Known): Refusal | null {
  if (!host.bound || manifest.host === null || manifest.host.id === host.id || request.takeOver) return null;
  return {
    code: 'other-host',
    message: `keyset ${manifest.name} belongs to host ${quoteOutside(manifest.host.hostname)}: its outlets and reloads are there, this host is ${quoteOutside(host.hostname)}; nothing was changed`,
    hint: 'run it there; or, if that host is gone, move the keyset here with: jwtrot rotate --take-over',
  };
}

/** Somebody's tokens depend on a key that the manifest does not know: it is never overwritten. */
export function unknownKeys({ keyset, manifest, observations }: PlanInput): Refusal | null {
  const found = observations.holdings.flatMap((holding) => unknownIn(holding, manifest));
  if (manifest === null) {
    found.push(...observations.reported.map(({ service, kid }) => `${quoteOutside(kid)} at ${service}`));
  }
  if (found.length === 0) return null;
  return {
    code: 'unknown-keys',
    message: `keyset ${keyset} does not know ${found.join(', ')}: tokens may depend on ${found.length === 1 ? 'it' : 'them'}; nothing was changed`,
    hint: 'adopt the key in use first: jwtrot import --pem FILE (or --jwk FILE; --public FILE for one that only verifies)',
  };
}

function unknownIn(holding: Holding, manifest: Manifest | null): string[] {
  if (manifest === null && holding.keys?.length === 0 && !holding.intact) {
    return [`something that can't be read in ${holding.outlet}`];
  }
  const known = manifest?.keys ?? [];
  return (holding.keys ?? []).flatMap(({ kid, thumbprint }) => {
    const named = known.findLast((key) => (kid === null ? key.thumbprint === thumbprint : key.kid === kid));
    if (named?.thumbprint === thumbprint) return [];
    const name = quoteOutside(kid ?? thumbprint);
    return named === undefined ? [`${name} in ${holding.outlet}`] : [`another key named ${name} in ${holding.outlet}`];
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

/** This clock and the store's own differ by more than clocks may. */
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
