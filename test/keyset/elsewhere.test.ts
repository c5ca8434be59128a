import { describe, expect, it } from 'vitest';
import { encodeManifest } from '../../src/keyset/manifest/encoding.js';
import { kidOf, NOTHING_ASKED, type PlanInput } from '../../src/keyset/planning/action.js';
import { retirementRecordedElsewhere } from '../../src/keyset/planning/elsewhere.js';
import { decide } from '../../src/keyset/planning/order.js';
import { outcome } from '../../src/keyset/planning/outcome.js';
import { retirementRecorded } from '../../src/keyset/transitions/retirement.js';
import { withParts } from '../support/manifest.js';
import { committed, decode } from './manifests.js';
import { JWKS, named, newKey, RETIRE, rotated, SIGNER_JWK, type Story, settled, staged } from './story.js';

/** What is decided where the store shows another history than the host knows. */
function elsewhere(story: Story, changes: Partial<PlanInput> = {}): string {
  const input = story.input();
  const decision = decide({ ...input, observations: { ...input.observations, otherHistory: true }, ...changes });
  if (decision.type !== 'action') return decision.type === 'refused' ? decision.refusal.code : 'nothing';
  return `${decision.action.type} ${kidOf(decision.action)}`;
}

/** The request as it is recorded there. */
function retired(story: Story, kid: string, changes: Partial<typeof RETIRE> = {}): void {
  story.manifest = retirementRecordedElsewhere(story.known, { ...RETIRE, ...changes, kid }, story.now, story.now);
}

describe('retire in another history', () => {
  it('is recorded first, and nothing that is due there is done without it', () => {
    const story = staged();
    expect(elsewhere(story)).toBe('nothing');
    expect(elsewhere(story, { request: { ...NOTHING_ASKED, retire: { ...RETIRE, kid: 'k1' } } })).toBe(
      'record-retirement k1',
    );
  });

  it('also where the store has lost the keyset', () => {
    const story = settled();
    const request = { ...NOTHING_ASKED, incidentOnly: true, retire: { ...RETIRE, kid: 'k1' } };
    expect(elsewhere(story, { manifest: null, request })).toBe('record-retirement k1');
    expect(decide({ ...story.input(), manifest: null, request })).toMatchObject({ type: 'refused' });
  });

  it('ends the active key at once: no replacement, no deadline', () => {
    const story = staged();
    retired(story, 'k1');
    expect(story.states).toBe('k1: retired, k2: pending');
    expect(story.known.retirements[0]).toMatchObject({ kid: 'k1', noReplacement: false });
    expect(() => encodeManifest(story.known)).not.toThrow();
  });

  it('of the key that the store was not told of tells it; of another one tells it too, and goes its usual way', () => {
    const recorded = (kid: string) => {
      const story = rotated();
      const input = story.input();
      const observations = { ...input.observations, otherHistory: true, untold: ['k1'] };
      const request = { ...NOTHING_ASKED, incidentOnly: true, retire: { ...RETIRE, kid } };
      const decision = decide({ ...input, observations, request });
      if (decision.type !== 'action' || decision.action.type !== 'record-retirement') throw new Error(decision.type);
      const { action } = decision;
      const now = { at: story.now, policy: input.policy };
      const manifest = outcome(story.known, action, now, { putsUntil: story.now });
      // As it is when the commit was lost and another run has told the store meanwhile.
      expect(outcome(manifest, action, now, { putsUntil: story.now }).keys).toEqual(manifest.keys);
      return [action.isElsewhere, action.untold, ...manifest.keys.map((key) => `${key.kid} ${key.state}`)];
    };
    expect(recorded('k1')).toEqual([true, undefined, 'k1 retired', 'k2 active']);
    expect(recorded('k2')).toEqual([false, ['k1'], 'k1 retired', 'k2 active']);
  });

  it('ends the key also where it was recorded before the history was seen to be another one', () => {
    const story = settled();
    story.manifest = retirementRecorded(story.known, { ...RETIRE, kid: 'k1' }, story.now, story.now);
    expect(story.states).toBe('k1: active');
    expect(elsewhere(story)).toBe('retire k1');
  });

  it('ends a former key too that a signer may still use', () => {
    const story = rotated();
    retired(story, 'k1');
    expect(story.states).toBe('k1: retired, k2: active');
  });

  it('takes the key out of outlets that hold it or can not be read, by kid or by thumbprint, and asks verifiers', () => {
    const story = settled();
    retired(story, 'k1');
    const { thumbprint } = named(story.known, 'k1');
    for (const keys of [[named(story.known, 'k1')], [{ kid: 'alias', thumbprint }], [{ kid: null, thumbprint }], []]) {
      story.holdings = [{ ...JWKS, intact: false, keys }];
      expect(elsewhere(story)).toBe('write-outlets k1');
    }
    expect(elsewhere(story, { blocked: new Set(['outlets']) })).toBe('delete-secret k1');
    for (const keys of [null, [named(null, 'theirs')]]) {
      story.holdings = [{ ...SIGNER_JWK, intact: true, keys }];
      story.fenced = new Set();
      // Another run may be about to write it there.
      expect(elsewhere(story)).toBe('write-outlets k1');
      story.fenced = new Set(['k1']);
      expect(elsewhere(story)).toBe('delete-secret k1');
    }
    expect(elsewhere(story, { blocked: new Set(['key k1']) })).toBe('confirm-drop k1');
    expect(elsewhere(story, { blocked: new Set(['key k1', 'drop']) })).toBe('nothing');
  });

  it('leaves the secrets of other keys alone', () => {
    const story = rotated();
    story.manifest = withParts(story.known, 'k1', GONE);
    retired(story, 'k2');
    story.holdings = [];
    expect(elsewhere(story)).toBe('delete-secret k2');
    expect(elsewhere(story, { blocked: new Set(['key k2', 'drop']) })).toBe('nothing');
  });
});

const GONE = { state: 'retired', retiredAt: 1, reason: 'expired', droppedAt: 1, goneAt: null } as const;

describe('a key that the manifest does not know', () => {
  const stray = newKey('theirs');

  it('enters retired, and ends as any other', async () => {
    const story = settled();
    story.manifest = retirementRecorded(story.known, { ...RETIRE, kid: 'theirs', stray }, story.now, story.now);
    expect(story.states).toBe('k1: active, theirs: retired');
    expect(story.known.retirements).toHaveLength(1);
    const stored = await decode(encodeManifest(committed(story)));
    expect(stored.keys.at(-1)).toMatchObject({ kid: 'theirs', state: 'retired', reason: 'compromised' });
    story.holdings = [{ ...JWKS, intact: false, keys: [named(story.known, 'k1'), named(story.known, 'theirs')] }];
    story.request = { ...NOTHING_ASKED, incidentOnly: true };
    expect(story.next).toBe('write-outlets - key-dropped');
    story.run({ incidentOnly: true });
    expect(story.known.keys.find((key) => key.kid === 'theirs')?.droppedAt).not.toBeNull();
  });

  it('is added once, however often it is asked', () => {
    const story = settled();
    const ask = () => {
      story.manifest = retirementRecorded(story.known, { ...RETIRE, kid: 'theirs', stray }, story.now, story.now);
    };
    ask();
    ask();
    expect(story.states).toBe('k1: active, theirs: retired');
  });
});
