import { DAY, SECOND } from '../../src/keyset/basics/clock.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import type { Action, ActionOf, ActionType } from '../../src/keyset/planning/action.js';
import { type Facts, type FactsOf, outcome } from '../../src/keyset/planning/outcome.js';
import { unexplained } from '../../src/keyset/published/differences.js';
import * as t from '../../src/keyset/transitions/all.js';
import type { Story } from './tale.js';

type Seen = {
  readonly [T in keyof Facts]: (story: Story, from: Manifest, action: ActionOf<T>) => Facts[T];
};

/** What a run would have found out, as the story has it. */
const SEEN: Seen = {
  'record-retirement': ({ now }) => ({ putsUntil: now + 60 * SECOND }),
  'roll-back': ({ now }) => ({ putsUntil: now + 60 * SECOND }),
  generate: (story, _, { kind }) => ({ key: story.makeKey(kind.alg), putsUntil: null }),
  recover({ secretStored: isStored, now }, from, { kid }) {
    return { isStored, putsUntil: isStored && from.rollout?.kid === kid ? null : now + 60 * SECOND };
  },
  'note-outlets': (story, from) => ({ found: unexplained(from, story.differing(from)) }),
  activate: () => ({ signersAnswered: false }),
  'confirm-signers': ({ mayReturn, reloadsUntil }) => ({ mayReturn, reloadsUntil }),
  'confirm-drop': ({ now, policy }) => ({ checkAgainAt: now + policy.jwksMaxAge + policy.clockSkew }),
  'delete-secret': ({ now }, from, { kid }) => ({
    goneAt: now + 7 * DAY,
    isLast: now >= (t.keyOf(from, kid).deleteAgainAt ?? 0),
  }),
};

type Look = (story: Story, from: Manifest, action: Action) => FactsOf<ActionType>;

/** What a run commits for an action when all goes well, and what it does to the outlets. */
export function effectOf(story: Story, action: Action): Manifest {
  const from = story.manifest ?? t.emptyManifest('api');
  if (action.type === 'write-outlets') story.write();
  if (action.type === 'await-deadline') story.now += 2 * SECOND;
  if (action.type === 'await-deadline' || action.type === 'replace-at-deadline')
    for (const what of ['generate', 'outlets', 'rollout'] as const) story.blocked.delete(what);
  const look = (SEEN as Partial<Record<ActionType, Look>>)[action.type];
  const facts = look === undefined ? null : look(story, from, action);
  return outcome(from, action, { at: story.now, policy: story.policy }, facts);
}
