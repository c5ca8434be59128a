import { JwtrotError } from '../../keyset/error.js';
import { incidentDeadline } from '../../keyset/incident.js';
import type { Manifest } from '../../keyset/model.js';
import { holdsWanted, unexplained } from '../../keyset/outlet-plan.js';
import { activeKey, outletContent } from '../../keyset/projection.js';
import { backedOff, leavesNoTrace, outletsFound, published } from '../../keyset/transitions.js';
import type { OutletContent, Written } from '../../outlets/outlet.js';
import { stampsEarly } from '../clock-trust.js';
import type { KeysetContext } from '../context.js';
import { outletTime, READ_BACK_DEADLINE } from '../limit.js';
import { observe } from '../observe.js';
import { block, type Performed, type Problem, type Run, timeFor } from '../run.js';

/** How long another run on this host may hold the outlets. */
export const LOCK_TIMEOUT = 30_000;

/** Intent, before outlets are written again: their services will be owed a reload. */
export async function noteOutlets(run: Run): Promise<Performed> {
  await run.ledger.commit((m, at) => {
    const differing = run.holdings.filter((holding) => !holdsWanted(holding, m));
    return outletsFound(m, unexplained(m, differing), at);
  });
  return {};
}

/** A pending key that went missing, or a former one that came back, since the outlets were looked at. */
async function noteMissing(run: Run): Promise<void> {
  const holdings = await observe(run.context);
  const lacking = (m: Manifest) =>
    unexplained(
      m,
      holdings.filter((holding) => !holdsWanted(holding, m)),
    );
  if (!leavesNoTrace(lacking(run.ledger.known))) return;
  await run.ledger.commit((m, at) => outletsFound(m, lacking(m), at), false);
}

/** Makes the outlets what the newest manifest says, and reads them back. @param again commands are run in any case */
export async function writeOutlets(run: Run, again = false): Promise<Performed> {
  const { ledger, context } = run;
  await ledger.hold();
  try {
    const content = await write(run, again);
    const until = incidentDeadline(ledger.known);
    const grace = until === null ? null : Math.max(until, context.clock.now() + 2_000);
    const unread = await context.outlets.readBack(content, timeFor(run, READ_BACK_DEADLINE, grace), context.signal);
    run.holdings = await observe(context);
    if (unread.length > 0) {
      return await failed(
        run,
        `not published: ${unread.map(({ outlet, reason }) => `${outlet}: ${reason}`).join('; ')}`,
        null,
      );
    }
  } catch (error) {
    if (!(error instanceof JwtrotError)) throw error;
    // In an incident even an outlet that must not be written does not hold up the rest: the switch, other outlets, services.
    const incident = ledger.known.retirements.length > 0 && (error.kind === 'refused' || error.kind === 'store');
    if (error.kind !== 'services' && !incident) throw error;
    run.holdings = await observe(context);
    return await failed(run, error.message, error.hint ?? null, error.kind);
  }
  const pending = ledger.known.keys.some((key) => key.state === 'pending' && key.publishedAt === null);
  if (!pending) return {};
  // A clock that is behind would let `publishAhead` seem over as soon as it is set right. What is in a hurry has none.
  const waits = ledger.known.rollout?.immediate !== true;
  if (waits && stampsEarly(run, ledger.known, context.clock.now())) {
    run.blocked.add('clock');
    return {};
  }
  await ledger.commit(published);
  return {};
}

async function failed(
  run: Run,
  message: string,
  hint: string | null,
  kind: Problem['kind'] = 'services',
): Promise<Performed> {
  block(run, 'outlets', message, hint, kind);
  if (run.ledger.known.retirements.length === 0) await run.ledger.commit((m, at) => backedOff(m, message, at));
  return {};
}

async function write(run: Run, again: boolean): Promise<OutletContent> {
  const { ledger, context } = run;
  const most = LOCK_TIMEOUT + Math.max(0, ...context.outlets.publish.map(outletTime));
  ledger.assertTimeFor('writing the outlets', Math.min(most, 60_000));
  return context.outlets.locked(LOCK_TIMEOUT, async (writer) => {
    // Read again under the lock: what was planned from may be old by now (TRACES 1 and 2).
    await ledger.readNewest();
    await noteMissing(run);
    const manifest = ledger.known;
    ledger.assertTimeFor('writing the outlets', 5_000);
    const content = outletContent(manifest);
    const written: Written = await writer.write(content, () => unwrapActive(context, manifest), {
      acceptOlder: false,
      again,
      signal: context.signal,
    });
    if (written.publish || written.deliver) {
      const what = [written.publish ? 'the JWKS' : '', written.deliver ? 'the signing key' : '']
        .filter(Boolean)
        .join(' and ');
      context.report({ type: 'note', keyset: context.name, level: 'info', text: `wrote ${what}` });
    }
    return content;
  });
}

/** The active private key, checked against its public half. The caller overwrites it. */
export async function unwrapActive(
  context: Pick<KeysetContext, 'name' | 'store' | 'wrapper' | 'assertMatches'>,
  manifest: Manifest,
): Promise<Uint8Array> {
  const active = activeKey(manifest);
  const wrapped = active === null ? null : await context.store.getKey(context.name, active.thumbprint);
  if (active?.publicJwk == null || wrapped === null) {
    throw new JwtrotError(
      'refused',
      'key-missing',
      `the private key of ${active?.kid ?? 'the active key'} is not in ${context.store.description}; nothing was delivered`,
      { hint: 'restore its secret from a backup, or replace the key: jwtrot rotate --force --immediate' },
    );
  }
  const privateKey = await context.wrapper.unwrap(wrapped, { keyset: context.name, kid: active.kid, alg: active.alg });
  try {
    await context.assertMatches(privateKey, active.publicJwk, active.kid);
  } catch (error) {
    privateKey.fill(0);
    throw error;
  }
  return privateKey;
}
