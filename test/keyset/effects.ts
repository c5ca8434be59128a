import type { Action, Request } from '../../src/keyset/action.js';
import { DAY, SECOND } from '../../src/keyset/clock.js';
import {
  activeKeyBeingRetired,
  replacedAtDeadline,
  retirementLookedAt,
  retirementRecorded,
  retirementSettled,
} from '../../src/keyset/incident.js';
import type { Manifest, RetireReason } from '../../src/keyset/model.js';
import { unexplained } from '../../src/keyset/outlet-plan.js';
import { stageOptions, undropped } from '../../src/keyset/plan.js';
import { activeKey } from '../../src/keyset/projection.js';
import { rolledBackByHand } from '../../src/keyset/rollback.js';
import * as t from '../../src/keyset/transitions.js';
import type { Story } from './tale.js';

/** What a run commits for an action when all goes well, and what it does to the outlets. */
export function effectOf(story: Story, action: Action, asked: Request): Manifest {
  const from = story.manifest ?? t.emptyManifest('api');
  const { now, policy } = story;
  const kid = action.kid ?? '';
  switch (action.type) {
    case 'take-over':
      return t.hostTaken(from, story.host, now);
    case 'accept-clock':
      return t.clockAccepted(from, now);
    case 'record-retirement':
      return asked.retire === null ? from : retirementRecorded(from, asked.retire, now + 60 * SECOND, now);
    case 'roll-back':
      return rolledBackByHand(from, policy, now + 60 * SECOND, now);
    case 'generate': {
      const active = activeKey(from);
      const key = story.makeKey(active === null || asked.changeAlg ? policy.alg : active.alg);
      return t.stored(t.stage(from, key, stageOptions(from, action, asked), now), key.kid, now);
    }
    case 'recover':
      return story.secretStored && from.rollout?.kid === kid
        ? t.stored(from, kid, now)
        : t.givenUp(from, kid, now + 60 * SECOND, now);
    case 'expedite':
      return t.expedited(from, asked, now);
    case 'note-outlets':
      return t.outletsFound(from, unexplained(from, story.differing(from)), now);
    case 'write-outlets':
      story.write();
      return from.keys.some((key) => key.state === 'pending' && key.publishedAt === null)
        ? t.published(from, now)
        : from;
    case 'refresh-services':
      return t.refreshed(from, now);
    case 'confirm-verifiers':
      return t.keyOf(from, kid).state !== 'pending' ? t.lookedAt(from, kid, now) : t.verifiersConfirmed(from, kid, now);
    case 'activate':
      return t.activated(t.acceptedNow(from, kid, now), kid, policy, now);
    case 'confirm-signers':
      if (action.reason === 'interrupted') return t.clocksStarted(from, policy, now);
      return story.mayReturn
        ? t.signersConfirmedForNow(from, now)
        : t.signersConfirmed(from, policy, story.reloadsUntil, now);
    case 'await-deadline':
      story.now += 2 * SECOND;
      for (const what of ['generate', 'outlets', 'rollout'] as const) story.blocked.delete(what);
      return from;
    case 'replace-at-deadline': {
      const retirement = activeKeyBeingRetired(from);
      for (const what of ['generate', 'outlets', 'rollout'] as const) story.blocked.delete(what);
      return retirement === null ? from : replacedAtDeadline(from, kid, retirement, policy, now);
    }
    case 'retire':
      return t.retired(from, kid, whyRetired(from, action), now);
    case 'confirm-drop':
      return dropped(story, from);
    case 'look-again':
      return retirementSettled(from, kid, now);
    case 'delete-secret':
      return t.deletionOrdered(from, kid, now + 7 * DAY, action.reason === 'put-in-flight', now);
    case 'destroy':
      return t.destroyed(from, kid, now);
    case 'record-policy':
      return t.policyRecorded(from, kid, policy, now);
  }
}

function dropped(story: Story, from: Manifest): Manifest {
  const kids = undropped(from).map((key) => key.kid);
  const again = story.now + story.policy.jwksMaxAge + story.policy.clockSkew;
  return kids.reduce((next, kid) => retirementLookedAt(next, kid, again), t.dropped(from, kids, story.now));
}

function whyRetired(manifest: Manifest, action: Action): RetireReason {
  const asked = manifest.retirements.find((one) => one.kid === action.kid);
  const own = action.reason === 'superseded' || action.reason === 'failed' ? action.reason : 'expired';
  return asked?.reason ?? own;
}
