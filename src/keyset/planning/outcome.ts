import type { Instant } from '../basics/clock.js';
import type { NewKey } from '../manifest/key.js';
import type { Manifest } from '../manifest/model.js';
import type { Difference } from '../published/differences.js';
import { activeKeyBeingRetired } from '../questions/incidents.js';
import { activeKey } from '../questions/keys.js';
import { adopted, isBeingAdopted } from '../transitions/adoption.js';
import * as t from '../transitions/all.js';
import {
  replacedAtDeadline,
  retirementRechecked,
  retirementRecheckOwed,
  retirementSettled,
} from '../transitions/retirement.js';
import type { Action, ActionOf, ActionType } from './action.js';
import { requestRecorded } from './recorded.js';
import { rolledBackByHand } from './rollback.js';

/** What only the run that did it can know. A plan assumes the best instead (`plan.ts`). */
export interface Facts {
  /** `putsUntil`: a put of an ended run may land until then. */
  readonly 'record-retirement': { readonly putsUntil: Instant };
  readonly 'roll-back': { readonly putsUntil: Instant };
  /** `putsUntil`: for the run's own put, if it once got no answer. */
  readonly generate: { readonly key: NewKey; readonly putsUntil: Instant | null };
  /** `isStored`: the store has the whole secret. */
  readonly recover: { readonly isStored: boolean; readonly putsUntil: Instant | null };
  readonly 'note-outlets': { readonly found: readonly Difference[] };
  readonly activate: { readonly signersAnswered: boolean };
  /** `mayReturn`: something may still bring a former key back. */
  readonly 'confirm-signers': { readonly mayReturn: boolean; readonly reloadsUntil: Instant | null };
  /** `checkAgainAt`: when to check verifiers again after an incident; null: none can be polled. */
  readonly 'confirm-drop': { readonly checkAgainAt: Instant | null };
  /** `isLast`: no put of the secret can still land. */
  readonly 'delete-secret': { readonly goneAt: Instant; readonly isLast: boolean };
}

export type FactsOf<T extends ActionType> = T extends keyof Facts ? Facts[T] : null;

type Outcomes = {
  readonly [T in ActionType]: (m: Manifest, action: ActionOf<T>, now: t.Now, facts: FactsOf<T>) => Manifest;
};

const OUTCOMES: Outcomes = {
  'take-over': (m, { host }, { at }) => t.hostTaken(m, host, at),
  'accept-clock': (m, _, { at }) => t.clockAccepted(m, at),
  'record-retirement': (m, action, { at }, { putsUntil }) => requestRecorded(m, action, putsUntil, at),
  'roll-back': (m, _, now, { putsUntil }) => rolledBackByHand(m, now, putsUntil),
  generate: (m, action, { at }, { key, putsUntil }) => t.stored(named(m, action, key, at), key.kid, putsUntil, at),
  recover(m, { kid }, now, { isStored, putsUntil }) {
    if (isBeingAdopted(t.keyOf(m, kid))) return adopted(m, kid, now, putsUntil);
    const { at } = now;
    const isWanted = isStored && m.rollout?.kid === kid;
    return isWanted ? t.stored(m, kid, putsUntil, at) : t.givenUp(m, kid, putsUntil ?? at, at);
  },
  expedite: (m, { immediate }, { at }) => t.expedited(m, { immediate }, at),
  'note-outlets': (m, _, { at }, { found }) => t.outletsFound(m, found, at),
  'write-outlets': (m, _, { at }) =>
    m.keys.some((key) => key.state === 'pending' && key.publishedAt === null) ? t.published(m, at) : m,
  'refresh-services': (m, _, now) => t.refreshed(m, now),
  'confirm-verifiers': (m, { kid }, { at }) =>
    t.keyOf(m, kid).state === 'pending' ? t.verifiersConfirmed(m, kid, at) : t.verifiersRechecked(m, kid, at),
  activate: (m, { kid }, now, { signersAnswered }) =>
    t.activated(t.acceptedNow(m, kid, now.at), kid, now, signersAnswered),
  'confirm-signers'(m, { settles }, now, { mayReturn, reloadsUntil }) {
    if (settles === 'former-clock') return t.clocksStarted(m, now);
    return mayReturn ? t.signersConfirmedForNow(m, now.at) : t.signersConfirmed(m, now, reloadsUntil);
  },
  'await-deadline': (m) => m,
  'replace-at-deadline'(m, { kid }, now) {
    const retirement = activeKeyBeingRetired(m);
    const isNeeded = retirement !== null || activeKey(m) === null;
    return isNeeded ? replacedAtDeadline(m, kid, retirement, now) : m;
  },
  retire: (m, { kid, as }, { at }) => t.retired(m, kid, as, at),
  'confirm-drop'(m, { kids }, { at }, { checkAgainAt }) {
    const gone = t.dropped(
      m,
      kids.filter((kid) => t.keyOf(m, kid).droppedAt === null),
      at,
    );
    return kids.reduce(
      (next, kid) =>
        checkAgainAt === null ? retirementSettled(next, kid, at) : retirementRecheckOwed(next, kid, checkAgainAt),
      gone,
    );
  },
  'recheck-drop': (m, { kid }, now) => retirementRechecked(m, kid, now),
  'delete-secret': (m, { kid }, { at }, facts) => t.deletionOrdered(m, kid, facts, at),
  destroy: (m, { kid }, { at }) => t.destroyed(m, kid, at),
  'record-policy': (m, { kid }, now) => t.policyRecorded(m, kid, now),
};

/** The manifest after an action succeeded: a run commits it, a plan expects it, and tests compare the two. */
export function outcome<A extends Action>(
  manifest: Manifest,
  action: A,
  now: t.Now,
  facts: FactsOf<A['type']>,
): Manifest {
  const lead = OUTCOMES[action.type] as (m: Manifest, action: A, now: t.Now, facts: FactsOf<A['type']>) => Manifest;
  return lead(manifest, action, now, facts);
}

/** The first half of `generate`: names the key in the manifest before its secret is stored. */
export function named(
  manifest: Manifest,
  { forced, immediate, isReplacement }: ActionOf<'generate'>,
  key: NewKey,
  at: Instant,
): Manifest {
  const former = isReplacement ? null : (activeKey(manifest)?.kid ?? null);
  return t.stage(manifest, key, { forced, immediate, former }, at);
}
