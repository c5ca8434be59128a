import { JwtrotError } from '../../src/keyset/basics/error.js';
import type { OutletContent } from '../../src/keyset/published/jwk-set.js';
import type { DeliverPlace } from './deliver-place.js';
import { short } from './keys.js';
import type { Runner } from './runner.js';
import type { World } from './world.js';

const TIMEOUT = 20_000;

/** Asks `holds`, which may fail, hang, or lag behind: nothing is there yet, it says. @returns null: it fails */
export function sayingOf(world: World, runner: Runner, place: DeliverPlace): { kid: string | null } | null {
  const strike = place.isCommand ? world.strikes(runner.source, 'outlet') : null;
  if (strike === null) return { kid: place.shown() };
  return strike.random.chance(0.5) ? null : { kid: null };
}

/** Gives a command the key, and asks what is there then. */
export async function deliverByCommand(
  world: World,
  runner: Runner,
  place: DeliverPlace,
  { active, revision }: OutletContent,
): Promise<void> {
  if (active === null) throw failure('still-delivered', `${place.label} can't take a key away`, 'take it away by hand');
  const { kid } = active;
  const busyUntil = await world.call(runner, () => {
    const now = runner.host.now();
    const { until } = place.given;
    const busy = until !== null && until > now ? until : null;
    place.given = { kid, settled: false, until: Math.max(now + TIMEOUT, busy ?? 0) };
    return busy;
  });
  await runCommand(world, runner, place, { kid, revision });
  await world.call(runner, () => {
    const said = sayingOf(world, runner, place);
    if (said?.kid !== kid) throw failure('not-held', `${place.label} does not say ${short(kid)}`);
    const again = busyUntil === null ? null : Math.max(busyUntil, runner.host.now() + 5_000);
    place.given = { kid, settled: true, until: again };
  });
}

/** The command is a process of its own: it may finish its work after its run was killed. It may do half of it, or hang. */
function runCommand(
  world: World,
  runner: Runner,
  place: DeliverPlace,
  { kid, revision }: { readonly kid: string; readonly revision: number },
): Promise<void> {
  const trouble = world.strikes(runner.source, 'outlet')?.random ?? null;
  const hangs = trouble?.chance(0.2) === true;
  const took = trouble?.between(1, TIMEOUT) ?? runner.source.stream('commands').between(1, 200);
  return world.call(
    runner,
    () => {
      if (trouble?.chance(0.3)) throw failure('outlet-command-failed', 'it failed');
      if (trouble?.chance(0.3)) {
        world.say(runner, () => `command delivers half of ${short(kid)}`);
        place.kid = null;
        throw failure('outlet-command-failed', 'it failed half-way');
      }
      world.say(runner, () => `command delivers ${short(kid)} (revision ${revision})`);
      place.put(kid);
      if (hangs || trouble?.chance(0.3)) throw failure('outlet-command-failed', 'no exit');
    },
    { remote: true, before: hangs ? TIMEOUT : took },
  );
}

function failure(code: string, message: string, hint = 'mend it'): JwtrotError {
  return new JwtrotError('services', code, message, { hint });
}
