import type { Manifest } from '../../src/keyset/manifest/model.js';
import type { Scenario } from './scenarios.js';
import { unsettled } from './settled.js';
import type { Site } from './site.js';

/** A dead run's lease would hold for minutes yet: whoever comes next on this host takes it over without a wait. */
const AT_ONCE = 30_000;

/** What a point begins from, before its run is started. */
export interface Before {
  readonly ends: string | null;
  readonly token: string | null;
}

export async function before(site: Site, scenario: Scenario): Promise<Before> {
  return { ends: await scenario.ends(site), token: await site.services.mint() };
}

/**
 * The run is dead. What services do now is right at any instant; then the next run settles everything.
 * @param late an effect is still on its way until this resolves: the run after it settles what it does
 * @returns everything that is not as it must be
 */
export async function afterwards(
  site: Site,
  scenario: Scenario,
  { ends, token }: Before,
  late: Promise<void> | null = null,
): Promise<string[]> {
  const { services } = site;
  const problems: string[] = [];
  const meanwhile = await services.mint();
  const signedBy = services.signingKid;
  if (meanwhile !== null && !(await services.accepts(meanwhile))) problems.push('a token between the runs is rejected');

  const found = await site.manifest();
  problems.push(...(await nextRun(site, ['rotate'], scenario)));
  if (late !== null) {
    await late;
    problems.push(...(await nextRun(site, ['rotate'], scenario)));
  }
  if (scenario.incident && isListed(await site.manifest(), ends)) {
    if (isRecorded(found, ends)) problems.push('the retirement was recorded, and was not gone on with');
    problems.push(...(await nextRun(site, await scenario.args(site), scenario)));
  }
  problems.push(...(await unsettled(site, scenario.leaves)));
  const settled = await site.manifest();
  if (settled !== null) problems.push(...(scenario.missing?.(settled) ?? []));
  if (isListed(settled, ends)) problems.push('the key that was to go is still published');

  const now = await services.mint();
  if (now === null || !(await services.accepts(now))) problems.push('a new token is rejected');
  if (token !== null && !scenario.incident && !(await services.accepts(token)))
    problems.push('an old token is rejected');
  if (meanwhile !== null && signedBy !== ends && !(await services.accepts(meanwhile))) {
    problems.push('a token from between the runs is rejected later');
  }
  return problems;
}

async function nextRun(site: Site, args: readonly string[], scenario: Scenario): Promise<string[]> {
  const { leaves, isAskedAgain } = scenario;
  const began = Date.now();
  const { code, stdout, stderr } = await site.world.run(args);
  const took = Date.now() - began;
  if (isAskedAgain && args[0] === 'rotate' && code === 5) {
    const again = await nextRun(site, await scenario.args(site), scenario);
    return again.length > 0 ? again : nextRun(site, args, { ...scenario, isAskedAgain: false });
  }
  // What it backs off after has been settled all the same: that is looked at afterwards.
  const isHeldOff = leaves === 'backoff' && code === 4 && /backing off|rolled back/.test(stdout);
  if (code !== 0 && !isHeldOff) return [`${args[0]} ended with ${code}: ${stdout}${stderr}`];
  return took > AT_ONCE ? [`${args[0]} took ${took} ms`] : [];
}

function isRecorded(manifest: Manifest | null, kid: string | null): boolean {
  return manifest?.retirements.some((one) => one.kid === kid) ?? false;
}

function isListed(manifest: Manifest | null, kid: string | null): boolean {
  const state = manifest?.keys.find((key) => key.kid === kid)?.state;
  return state === 'pending' || state === 'active' || state === 'deprecated';
}
