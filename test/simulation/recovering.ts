import type { Algorithm } from '../../src/keyset/basics/algorithm.js';
import { JwtrotError } from '../../src/keyset/basics/error.js';
import { givenTo } from '../../src/keyset/history/given-outlet.js';
import type { KeysetRecord } from '../../src/keyset/history/record.js';
import type { NamedKey, OutletEvidence, RecoveryRequest, SeenKey } from '../../src/keyset/recovery/evidence.js';
import { type Recovery, recover } from '../../src/keyset/recovery/recovery.js';
import { type Gathered, gather, type RecoveryTools } from '../../src/rollout/gather.js';
import { carryOutRecovery } from '../../src/rollout/recover.js';
import { publicJwkOf, short } from './keys.js';
import { PublishPlace } from './outlet.js';
import { kidsIn, type Place, sumOf } from './outlet-verdict.js';
import type { Runner } from './runner.js';
import type { World } from './world.js';

/** `jwtrot store recover`, by an operator who answers every question truly. @returns its result */
export async function recoverStore(world: World, runner: Runner): Promise<string> {
  const context = world.context(runner);
  const tools = toolsOf(world, runner);
  const gathered = await gather(context, tools);
  const recovery = decided(world, gathered);
  if (recovery.isNothing) return 'nothing has to be recovered';
  if (typeof gathered.evidence.record !== 'object' || gathered.evidence.record === null) forget(world);
  world.say(runner, () => `recovers: ${describe(recovery)}`);
  await carryOutRecovery(context, tools, gathered, recovery);
  return 'recovered';
}

/** A revision from a history that nobody knows any more would keep a command from the new history for ever. */
function forget({ outlets }: World): void {
  for (const { publish } of outlets) for (const place of publish) place.taken = 0;
}

function describe({ because, fates }: Recovery): string {
  const became = fates.filter(({ becomes }) => becomes !== 'same');
  return `${because?.why ?? 'the same history'}; ${became.map(({ known, becomes }) => `${short(known.kid)} ${becomes}`).join(', ')}`;
}

/** After a refusal the operator says what is known, and tries again. @throws JwtrotError a refusal without an answer */
function decided(world: World, { evidence }: Gathered): Recovery {
  let request: RecoveryRequest = { retired: [], noneRetired: false, adopt: [] };
  for (let asked = 0; ; asked += 1) {
    const { recovery, refusal } = recover(evidence, request);
    if (refusal === null) return recovery;
    const isAnswerable = refusal.code === 'retirements-unknown' || refusal.code === 'undecided-keys';
    if (!isAnswerable || asked > 2) throw new JwtrotError('refused', refusal.code, refusal.message);
    const retired = world.checks.lineage.nameRetired(refusal.code).map(named);
    const adopt = refusal.options.flatMap((option) => /^--adopt (.*)$/.exec(option)?.[1] ?? []);
    const isRetired = (kid: string) => retired.some((one) => one.kid === kid);
    request = {
      retired,
      noneRetired: retired.length === 0,
      adopt: [...request.adopt, ...adopt.filter((kid) => !isRetired(kid))],
    };
  }
}

function named(kid: string): NamedKey {
  return { kid, thumbprint: null, standIn: kid, alg: null, publicJwk: null };
}

function toolsOf(world: World, runner: Runner): RecoveryTools {
  const { publish, deliver } = world.outlets[runner.host === world.hosts[0] ? 0 : 1];
  const places: readonly Place[] = [...publish, ...deliver];
  return {
    inspectOutlets: (record) =>
      world.call(runner, () => places.filter(isInspected).map((place) => inspect(world, place, record))),
    dropRecords: (labels) =>
      world.call(runner, () => {
        for (const place of places) if (labels.includes(place.label)) place.record = null;
      }),
    publicHalf: async (privateKey) => {
      const thumbprint = Buffer.from(privateKey).toString();
      return { thumbprint, publicJwk: publicJwkOf(algOf(world, thumbprint), thumbprint) };
    },
  };
}

/** There is no key in a command that could be stored anew. */
function isInspected(place: Place): boolean {
  return place instanceof PublishPlace || !place.isCommand;
}

function inspect(world: World, place: Place, record: KeysetRecord | null): OutletEvidence {
  const seen = (kid: string): SeenKey => {
    const alg = algOf(world, kid);
    return { kid, thumbprint: kid, alg, publicJwk: publicJwkOf(alg, kid) };
  };
  const outlet = place.label;
  const isPublic = place instanceof PublishPlace;
  const common = {
    outlet,
    format: isPublic ? place.outlet.format : 'jwk',
    kind: isPublic ? 'publish' : 'deliver',
  } as const;
  if (isPublic && place.outlet.type === 'command') {
    // The host's own state directory says what it was given.
    const keys = place.given.kids?.map(seen) ?? null;
    return { ...common, keys, isGiven: keys !== null, record: 'kept nowhere', problem: null };
  }
  const kids = kidsIn(place);
  const isGiven = kids !== null && givenTo(record, outlet)?.sha256 === sumOf(kids);
  const found = place.record === null ? 'absent' : place.record;
  return { ...common, keys: kids?.map(seen) ?? null, isGiven, record: found, problem: null };
}

function algOf(world: World, thumbprint: string): Algorithm {
  return world.keys.algs.get(thumbprint) ?? world.policy.alg;
}
