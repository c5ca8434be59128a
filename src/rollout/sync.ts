import { JwtrotError } from '../keyset/basics/error.js';
import type { Manifest } from '../keyset/manifest/model.js';
import { NOTHING_ASKED } from '../keyset/planning/action.js';
import { unknownKeys } from '../keyset/planning/refusals.js';
import { holdsWanted } from '../keyset/published/differences.js';
import { type Holding, outletContent } from '../keyset/published/jwk-set.js';
import { isIncident } from '../keyset/questions/open-incidents.js';
import { isBeingAdopted } from '../keyset/transitions/adoption.js';
import type { OutletProblem, OutletWriter, WriteResult, Written } from '../outlets/outlet.js';
import type { KeysetContext } from './context.js';
import { DOUBTFUL, History } from './history.js';
import { noteMissing } from './note-missing.js';
import { observe } from './observe.js';
import { troubleOf } from './other-history.js';
import type { Problem } from './problem.js';
import { LOCK_TIMEOUT } from './steps/outlets.js';
import { unwrapActive } from './unwrap.js';

export interface SyncResult {
  readonly name: string;
  /** Null: the keyset does not exist yet, there is nothing to write. */
  readonly revision: number | null;
  readonly written: Written;
  /** Of outlets that were left as they are (all others hold what they should), and of this host's record. */
  readonly problems: readonly Pick<Problem, 'code' | 'message' | 'hint' | 'kind'>[];
}

const NOTHING_WRITTEN = { publish: false, deliver: false } as const;

/**
 * Makes the outlets of this host what the manifest says. It runs at boot, before the signers start, and on further
 * hosts. It takes no lease, and commits only that another set was served or that a former key was delivered.
 * @throws JwtrotError `other-history` (exit 5), `stale-replica` (exit 75): outlets keep what they hold
 */
export async function syncKeyset(context: KeysetContext): Promise<SyncResult> {
  const history = await History.open(context, 'refuse');
  const { publish, deliver } = context.outlets;
  if (publish.length + deliver.length === 0) {
    const found = await history.read();
    return resultOf(context, found?.manifest ?? null, history);
  }
  for (;;) {
    const done = await context.outlets.locked({ timeout: LOCK_TIMEOUT, alone: false }, (writer) =>
      syncLocked(context, history, writer),
    );
    if (done !== DOUBTFUL) return done;
    // Wait without the outlets' locks: an incident would have to wait for them.
    await history.read();
  }
}

function resultOf(
  { name }: KeysetContext,
  manifest: Manifest | null,
  { memory: { troubles } }: History,
  { problems, ...written }: WriteResult = { ...NOTHING_WRITTEN, problems: [] },
): SyncResult {
  return {
    name,
    revision: manifest?.revision ?? null,
    written: { publish: written.publish, deliver: written.deliver },
    problems: [...problems, ...troubles.map(troubleOf)],
  };
}

async function syncLocked(
  context: KeysetContext,
  history: History,
  writer: OutletWriter,
): Promise<SyncResult | typeof DOUBTFUL> {
  // Read under the lock: an earlier read may be out of date (docs/traces.md, 1).
  const found = await history.readOnce();
  if (found === DOUBTFUL) return DOUBTFUL;
  if (found !== null) await history.learn(found.manifest);
  if (found !== null) assertNoneIsEntering(context, found.manifest);
  const hurried = found !== null && isIncident(found.manifest);
  const holdings = await observe(context, hurried);
  assertKnown(context, found?.manifest ?? null, holdings);
  if (found === null) return resultOf(context, null, history);
  const manifest = await noteMissing(context, history, found, holdings);
  if (holdings.every((holding) => holdsWanted(holding, manifest))) return resultOf(context, manifest, history);
  const result = await writer.write(outletContent(manifest), () => unwrapActive(context, manifest), {
    otherHistory: false,
    again: false,
    limit: null,
    signal: context.signal,
  });
  assertWritten(await observe(context, hurried), manifest, result.problems);
  return resultOf(context, manifest, history, result);
}

/**
 * Refuses while an import or a recovery is unfinished: a key in use is not stored yet. The manifest does not publish
 * it, and a delivered file may hold its only private half. So outlets keep what they hold.
 * @throws JwtrotError `import-unfinished`
 */
function assertNoneIsEntering({ name }: KeysetContext, { keys }: Manifest): void {
  const key = keys.find(isBeingAdopted);
  if (key === undefined) return;
  const message = `${key.kid} of keyset ${name} is in use, and its import, or its recovery, was not finished; nothing was written`;
  throw new JwtrotError('refused', 'import-unfinished', message, { hint: 'finish it: jwtrot rotate' });
}

/** @throws JwtrotError `unknown-keys` */
function assertKnown(context: KeysetContext, manifest: Manifest | null, holdings: readonly Holding[]): void {
  const { host, hostname } = context.host.self;
  const refusal = unknownKeys({
    keyset: context.name,
    manifest,
    policy: context.policy,
    now: context.clock.now(),
    observations: { holdings, reported: [], host: { id: host, hostname, bound: false }, clockOffset: null },
    request: NOTHING_ASKED,
    blocked: new Set(),
  });
  if (refusal === null) return;
  const { kind = 'refused', code, message, hint } = refusal;
  throw new JwtrotError(kind, code, message, { hint });
}

/** Checks files only: at boot no server may be up to serve them. @throws JwtrotError `not-written` */
function assertWritten(
  holdings: readonly Holding[],
  manifest: Manifest,
  problems: readonly Pick<OutletProblem, 'outlet'>[],
): void {
  const left = new Set(problems.map(({ outlet }) => outlet));
  const differing = holdings.find((holding) => !left.has(holding.outlet) && !holdsWanted(holding, manifest));
  if (differing === undefined) return;
  throw new JwtrotError('services', 'not-written', `${differing.outlet} does not hold what was written to it`, {
    hint: 'somebody else writes there too; find out who, then run jwtrot sync again',
  });
}
