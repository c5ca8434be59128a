import type { Duration, Instant } from '../../keyset/basics/clock.js';
import { JwtrotError } from '../../keyset/basics/error.js';
import type { Manifest } from '../../keyset/manifest/model.js';
import { isPublished } from '../../keyset/manifest/states.js';
import type { ActionOf } from '../../keyset/planning/action.js';
import { outcome } from '../../keyset/planning/outcome.js';
import { holdsWanted, leavesNoTrace, unexplained } from '../../keyset/published/differences.js';
import { fencedBy } from '../../keyset/published/fence.js';
import { outletContent } from '../../keyset/published/jwk-set.js';
import { isIncident } from '../../keyset/questions/open-incidents.js';
import { backedOff, outletsFound } from '../../keyset/transitions/all.js';
import type { OutletContent, OutletProblem, Written } from '../../outlets/outlet.js';
import { addedSince } from '../added.js';
import { stampsEarly } from '../clock-trust.js';
import { deliveryTime, outletTime, READ_BACK_DEADLINE } from '../limit.js';
import { HURRIED, observe } from '../observe.js';
import { block, commit, isHurried, type Performed, patience, type Run, timeFor } from '../run.js';
import { unwrapActive } from '../unwrap.js';
import { withoutDelivery } from './delivery-problems.js';
import { forget, notPublished, outletsNamed, standingAlone, tellsOfWait } from './outlet-problems.js';

/** How long another run on this host may hold the outlets. */
export const LOCK_TIMEOUT = 30_000;
/** How long outlets get when an incident's deadline has passed. */
const GRACE = 2_000;
/** What a delivery gets however near the deadline is. */
const LEAST_DELIVERY = 500;

/** Records, before outlets are written again, that their services will need a reload. */
export async function noteOutlets(run: Run, action: ActionOf<'note-outlets'>): Promise<Performed> {
  await commit(run, (m, now) => {
    const differing = run.holdings.filter((holding) => !holdsWanted(holding, m));
    return outcome(m, action, now, { found: unexplained(m, differing) });
  });
  return {};
}

/** Records a pending key that went missing, or a former one that came back, since the last look at the outlets. */
async function noteMissing(run: Run): Promise<void> {
  const holdings = await observe(run.context, isHurried(run));
  const lacking = (m: Manifest) =>
    unexplained(
      m,
      holdings.filter((holding) => !holdsWanted(holding, m)),
    );
  if (!leavesNoTrace(lacking(run.ledger.known))) return;
  await run.ledger.commit((m, { at }) => outletsFound(m, lacking(m), at));
}

/** Makes the outlets what the newest manifest says, and reads them back. @param again runs commands in any case */
export async function writeOutlets(run: Run, action: ActionOf<'write-outlets'>, again = false): Promise<Performed> {
  const { ledger, context } = run;
  await ledger.hold();
  const before = outletsNamed(run);
  const sealed: JwtrotError[] = [];
  const found = await writeAndRead(run, again, sealed).catch((error: unknown) => [standingAlone(run, error)]);
  const held = run.holdings;
  run.holdings = await observe(context, isHurried(run));
  run.added.push(...addedSince(held, run.holdings, ledger.known));
  const problems = withoutDelivery(run, sealed, [...found, ...unseen(run, found)]);
  forget(run, 'outlets');
  run.blocked.delete('held');
  // An outlet works again: verifiers that had read it are asked anew.
  if (before > problems.length) forget(run, 'drop');
  if (problems.length > 0) return failed(run, problems);
  run.fenced = fencedBy(ledger.known);
  const pending = ledger.known.keys.some((key) => key.state === 'pending' && key.publishedAt === null);
  if (!pending) return {};
  // If this clock is behind, `publishAhead` seems over once it is set right. An immediate one has none.
  const waits = ledger.known.rollout?.immediate !== true;
  if (waits && stampsEarly(run, ledger.known, context.clock.now())) {
    run.blocked.add('clock');
    return {};
  }
  await commit(run, (m, now) => outcome(m, action, now, null));
  return {};
}

/**
 * @param sealed gets why the key can't be unwrapped
 * @returns what keeps outlets from holding, or showing, what the manifest says
 */
async function writeAndRead(run: Run, again: boolean, sealed: JwtrotError[]): Promise<OutletProblem[]> {
  const { context } = run;
  const { content, problems } = await write(run, again, sealed);
  const deadline = Math.min(mostReadBack(run), timeFor(run, READ_BACK_DEADLINE, patience(run, GRACE)));
  const left = new Set(problems.map(({ outlet }) => outlet));
  const unread = await context.outlets.readBack(content, deadline, context.signal, tellsOfWait(run));
  return [...problems, ...unread.filter(({ outlet }) => !left.has(outlet)).map(notPublished)];
}

/** Outlets that were written and can't be read: unless they count as failed, they would be written again without end. */
function unseen({ holdings, ledger }: Run, found: readonly OutletProblem[]): OutletProblem[] {
  const named = new Set(found.map(({ outlet }) => outlet));
  return holdings.flatMap((holding) => {
    const { outlet, keys, intact, problem } = holding;
    const isUnread = problem !== undefined || (!intact && (keys ?? []).length === 0);
    if (!isUnread || named.has(outlet) || holdsWanted(holding, ledger.known)) return [];
    const message = `${outlet} was written, and can't be read: ${problem ?? 'it does not answer, or holds no key'}`;
    return [{ outlet, code: 'not-seen', message, hint: null, kind: 'services', passing: false }];
  });
}

/** In an incident a key that leaves waits for no URL: verifiers are asked at once. A new key must be seen first. */
function mostReadBack(run: Run): Duration {
  const comes = run.ledger.known.keys.some((key) => key.state === 'pending' && key.publishedAt === null);
  return isHurried(run) && !comes ? HURRIED : READ_BACK_DEADLINE;
}

/** @throws JwtrotError outside of an incident, for more than an outlet that could not be written */
async function failed(run: Run, problems: readonly OutletProblem[]): Promise<Performed> {
  const refusal = isHurried(run) ? undefined : problems.find(({ kind }) => kind !== 'services' && kind !== 'leased');
  for (const problem of problems) if (problem !== refusal) block(run, 'outlets', problem);
  if (refusal !== undefined) {
    const { kind, code, message, hint } = refusal;
    throw new JwtrotError(kind, code, message, hint === null ? {} : { hint });
  }
  if (isHurried(run) && problems.some(({ passing }) => passing)) run.blocked.add('held');
  const messages = problems.filter(({ kind }) => kind !== 'leased').map(({ message }) => message);
  if (messages.length > 0 && !isIncident(run.ledger.known))
    await commit(run, (m, { at }) => backedOff(m, messages.join('; '), at));
  return {};
}

function outletTimes({ outlets }: Run['context']): Duration[] {
  return [...outlets.publish.map(outletTime), ...outlets.deliver.map(deliveryTime)];
}

async function write(
  run: Run,
  again: boolean,
  sealed: JwtrotError[],
): Promise<{ content: OutletContent; problems: readonly OutletProblem[] }> {
  const { ledger, context } = run;
  const most = LOCK_TIMEOUT + Math.max(0, ...outletTimes(context));
  ledger.tenure.assertTimeFor('writing the outlets', Math.min(most, 60_000));
  const alone = isHurried(run);
  return context.outlets.locked({ timeout: alone ? HURRIED : LOCK_TIMEOUT, alone }, async (writer) => {
    // Read again under the lock: the plan may rest on an old read (docs/traces.md, 1 and 2).
    await ledger.readNewest();
    await noteMissing(run);
    const manifest = ledger.known;
    ledger.tenure.assertTimeFor('writing the outlets', 5_000);
    const content = outletContent(manifest);
    const until = patience(run, GRACE);
    const now = context.clock.now();
    const unwrap = () =>
      unwrapActive(context, manifest).catch((error: unknown) => {
        if (error instanceof JwtrotError && error.kind === 'refused') sealed.push(error);
        throw error;
      });
    const { problems, ...written } = await writer.write(content, unwrap, {
      // A record that another run has written since the plan may show another history.
      otherHistory: ledger.history.other !== null,
      again,
      limit: until === null ? null : until - now,
      deliveryLimit: until === null ? null : Math.min(until, leavesBy(manifest, now)) - now,
      signal: context.signal,
    });
    report(run, written);
    return { content, problems };
  });
}

/** A delivery takes none of the time of a leaked key that is still published: it leaves at its deadline. */
function leavesBy({ retirements, keys }: Manifest, now: Instant): Instant {
  const isIn = (kid: string) => keys.some((key) => key.kid === kid && isPublished(key.state));
  const ends = retirements.filter(({ kid }) => isIn(kid)).map(({ deadlineAt }) => deadlineAt);
  return Math.max(now + LEAST_DELIVERY, Math.min(...ends));
}

function report({ context }: Run, written: Written): void {
  const what = [written.publish ? 'the JWKS' : '', written.deliver ? 'the signing key' : ''].filter(Boolean);
  if (what.length === 0) return;
  context.report({ type: 'note', keyset: context.name, level: 'info', text: `wrote ${what.join(' and ')}` });
}
