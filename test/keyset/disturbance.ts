import type { Request } from '../../src/keyset/planning/action.js';
import { wayBack } from '../../src/keyset/planning/rollback.js';
import { DAY, HOUR, named, POLICY, RETIRE, SECOND } from './story.js';
import type { Walker } from './walker.js';

/** Something outside of any run. */
export function disturb(walker: Walker): void {
  const { random } = walker;
  if (walker.chance(0.15)) changeOutlets(walker);
  if (walker.chance(0.08)) changePolicy(walker);
  walker.now += random.pick([SECOND, 90 * SECOND, HOUR, 5 * HOUR, DAY, 3 * DAY, 10 * DAY]) * (0.5 + random.next());
  walker.now = Math.floor(walker.now);
}

function changeOutlets(walker: Walker): void {
  if (walker.manifest === null) return;
  const known = walker.known.keys.filter((key) => key.state !== 'creating').map((key) => key.kid);
  const index = walker.random.below(walker.holdings.length);
  const holding = walker.holdings[index];
  if (holding === undefined) return;
  const some = holding.kind === 'publish' ? known.filter(() => walker.chance(0.5)) : known.slice(0, 1);
  const keys = walker.chance(0.4) ? null : some.map((kid) => named(walker.manifest, kid));
  walker.history.push(`${holding.outlet} is set to ${keys?.map((key) => key.kid).join(' ') ?? 'nothing'}`);
  walker.holdings = walker.holdings.map((one, i) => (i === index ? { ...one, keys, intact: keys !== null } : one));
}

function changePolicy(walker: Walker): void {
  const { random } = walker;
  const verifyFor = random.pick([2, 8, 12]) * DAY;
  walker.policy = {
    ...POLICY,
    maxTokenTtl: verifyFor - DAY,
    verifyFor,
    rotateEvery: random.pick([10, 30, 90]) * DAY,
    publishAhead: random.pick([2 * HOUR, DAY]),
    alg: random.pick(['ES256', 'RS256', 'Ed25519']),
  };
  walker.history.push(
    `verifyFor ${verifyFor / DAY}d, rotateEvery ${walker.policy.rotateEvery / DAY}d, ${walker.policy.alg}`,
  );
}

export function randomRequest(walker: Walker): Partial<Request> {
  const { random } = walker;
  const kids = walker.manifest?.keys.filter((key) => key.state !== 'destroyed').map((key) => key.kid) ?? [];
  if (kids.length > 0 && walker.chance(0.1)) {
    const kid = random.pick(kids);
    const deadline = random.pick([30 * SECOND, 120 * SECOND, HOUR]);
    walker.asked.add(kid);
    const retire = { ...RETIRE, kid, deadline, noReplacement: walker.chance(0.15), purge: walker.chance(0.3) };
    return { retire, incidentOnly: true };
  }
  const way = walker.manifest !== null && walker.chance(0.1) ? wayBack(walker.known) : null;
  if (way !== null && !('code' in way)) return { rollback: way.to.kid };
  if (walker.chance(0.15)) return { force: true, immediate: walker.chance(0.4) };
  if (walker.chance(0.06)) return { changeAlg: true, force: walker.chance(0.3) };
  return {};
}
