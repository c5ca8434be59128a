import { describe, expect, it } from 'vitest';
import { plan } from '../../src/keyset/planning/plan.js';
import { rolledBackByHand, wayBack } from '../../src/keyset/planning/rollback.js';
import { stage } from '../../src/keyset/transitions/all.js';
import { HOUR, newKey, rotated, SECOND, type Story, staged } from './story.js';

/** k2 signs, k1 did before it; k3 is pending. */
function pendingAfterRotation(): Story {
  const story = rotated();
  story.now += HOUR;
  story.run({ force: true });
  expect(story.states).toBe('k1: deprecated, k2: active, k3: pending');
  return story;
}

describe('a rollback by hand, while a new key waits', () => {
  it('gives the new key up and goes back behind the last switch, in one commit', () => {
    const story = pendingAfterRotation();
    expect(wayBack(story.known)).toMatchObject({ from: { kid: 'k2' }, to: { kid: 'k1' }, givenUp: { kid: 'k3' } });
    story.request = { ...story.request, rollback: 'k1' };
    story.step();
    expect(story.states).toBe('k1: active, k2: deprecated, k3: retired');
    expect(story.key('k3')).toMatchObject({ reason: 'superseded', deleteAgainAt: null });
    expect(story.run({ rollback: 'k1' })).toEqual([
      'write-outlets k2 rolled-back',
      'confirm-signers k1 rolled-back',
      'delete-secret k3 retired',
    ]);
    expect(story.jwks).toEqual(['k1', 'k2']);
    story.now += HOUR;
    expect(story.run()).toContain('confirm-drop k3 key-dropped');
  });

  it('deletes again what may still be put', () => {
    const story = rotated();
    const options = { forced: true, immediate: false, former: 'k2' };
    story.manifest = stage(story.known, newKey('k3'), options, story.now);
    story.manifest = rolledBackByHand(story.known, { policy: story.policy, at: story.now }, story.now + 60 * SECOND);
    expect(story.states).toBe('k1: active, k2: deprecated, k3: retired');
    expect(story.key('k3')).toMatchObject({ reason: 'superseded', deleteAgainAt: story.now + 60 * SECOND });
    expect(story.run()).toContain('delete-secret k3 retired');
    story.now += 60 * SECOND;
    expect(story.run()).toContain('delete-secret k3 put-in-flight');
  });

  it('says how to give up the new key where no other has signed before', () => {
    const story = staged();
    expect(wayBack(story.known)).toEqual({
      code: 'nothing-to-roll-back',
      message: 'keyset api has no former key to go back to: k2 has not signed yet, k1 signs on; nothing was changed',
      hint: 'to give up the new key: jwtrot retire --kid k2 --reason superseded',
    });
    expect(story.run({ rollback: 'k0' })).toEqual(['refused nothing-to-roll-back']);
    expect(story.states).toBe('k1: active, k2: pending');
  });

  it('is shown by a plan as it is carried out', () => {
    const story = pendingAfterRotation();
    const { actions, refusal: none } = plan({ ...story.input(), request: { ...story.request, rollback: 'k1' } });
    expect(none).toBeNull();
    expect(actions.map((action) => action.type)).toEqual([
      'roll-back',
      'write-outlets',
      'confirm-signers',
      'delete-secret',
    ]);
  });
});
