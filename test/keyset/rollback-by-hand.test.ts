import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { wayBack } from '../../src/keyset/planning/rollback.js';
import { backedOff } from '../../src/keyset/transitions/all.js';
import { withParts } from '../support/manifest.js';
import { recordOnly } from './incidents.js';
import { DAY, HOUR, rotated, SECOND, START, Story, switching } from './story.js';

function refusal(manifest: Manifest): { code: string; message: string; hint: string } {
  const way = wayBack(manifest);
  if (!('code' in way)) throw new Error(`there is a way back to ${way.to.kid}`);
  return way;
}

const BACK = ['roll-back k1 asked', 'write-outlets k2 rolled-back', 'confirm-signers k1 rolled-back'];

describe('a rollback by hand, of a rotation that is over', () => {
  it('puts the former key back, as an automatic one does', () => {
    const story = rotated();
    story.now += HOUR;
    expect(story.run({ rollback: 'k1' })).toEqual(BACK);
    expect(story.states).toBe('k1: active, k2: deprecated');
    expect(story.key('k1')).toMatchObject({ signedUntil: null, deprecatedAt: null, signedFrom: START });
    expect(story.key('k2')).toMatchObject({ reason: 'failed', signedUntil: story.now });
    expect(story.known).toMatchObject({ rollout: null, backoff: { failures: 1, because: 'rolled back by hand' } });
  });

  it('keeps the key that failed until its last token has expired', () => {
    const story = rotated();
    story.run({ rollback: 'k1' });
    story.manifest = { ...story.known, backoff: null };
    const until = story.now + 8 * DAY + 60 * SECOND;
    for (; story.now < until - HOUR; story.now += HOUR) story.run();
    expect(story.jwks).toContain('k2');
    story.now = until;
    expect(story.run()).toContain('retire k2 failed');
  });

  it('holds off the timer for an hour, and not an operator', () => {
    const story = rotated();
    story.run({ rollback: 'k1' });
    story.now += HOUR - 1;
    expect(story.run()).toEqual([]);
    const forced = story.run({ force: true, immediate: true });
    expect(forced.slice(0, 4)).toEqual([
      'generate - immediate',
      'write-outlets k3 new-key',
      'confirm-verifiers k3 new-key',
      'activate k3 published-long-enough',
    ]);
    expect(story.states).toBe('k1: deprecated, k2: deprecated, k3: active');
    expect(story.known.backoff).toBeNull();
    const timed = rotated();
    timed.run({ rollback: 'k1' });
    timed.now += HOUR;
    expect(timed.run()[0]).toBe('generate - age');
  });

  it('goes back to the key that signed last, past one that had failed', () => {
    const story = rotated();
    story.run({ rollback: 'k1' });
    story.run({ force: true, immediate: true });
    story.now += HOUR;
    expect(wayBack(story.known)).toMatchObject({ from: { kid: 'k3' }, to: { kid: 'k1' }, givenUp: null });
    story.run({ rollback: 'k1' });
    expect(story.states).toBe('k1: active, k2: deprecated, k3: deprecated');
    expect(refusal(story.known)).toMatchObject({
      code: 'nothing-to-roll-back',
      hint: 'to put a new key in its place: jwtrot rotate --force',
    });
  });

  it('prefers the newest signer of several', () => {
    const story = rotated();
    story.now += HOUR;
    story.run({ force: true, immediate: true });
    expect(story.states).toBe('k1: deprecated, k2: deprecated, k3: active');
    expect(story.run({ rollback: 'k2' })[0]).toBe('roll-back k2 asked');
  });

  it('never goes back to a key without its private half, nor to one that is being retired', () => {
    const verifyOnly = rotated();
    expect(refusal(withParts(verifyOnly.known, 'k1', { hasPrivate: false })).code).toBe('nothing-to-roll-back');
    const leaked = rotated();
    leaked.retire('k1');
    expect(leaked.run({ rollback: 'k1' })).toEqual(['refused nothing-to-roll-back']);
  });

  it('is the only thing that is done, and what hangs on it', () => {
    const story = rotated();
    story.now += 200 * DAY;
    expect(story.run({ rollback: 'k1' })).toEqual(BACK);
  });
});

describe('a rollback by hand, in the middle of a switch', () => {
  it('turns back to the former key', () => {
    const story = switching();
    const { startedAt } = story.known.rollout ?? {};
    expect(wayBack(story.known)).toMatchObject({ from: { kid: 'k2' }, to: { kid: 'k1' }, isUnderWay: false });
    story.request = { ...story.request, rollback: 'k1' };
    expect(story.step()).toBe('roll-back k1 asked');
    expect(story.known.rollout).toMatchObject({
      kid: 'k2',
      former: 'k1',
      direction: 'back',
      phase: 'switch',
      startedAt,
    });
    expect(story.run()).toEqual(BACK.slice(1));
  });

  it('is resumed by the next run when it is killed after its first commit', () => {
    const story = switching();
    story.request = { ...story.request, rollback: 'k1' };
    story.step();
    story.now += 60 * SECOND;
    expect(story.run()).toEqual(BACK.slice(1));
    expect(story.active).toBe('k1');
  });

  it('resumes a way back that has begun, whatever the back-off, and never goes further back', () => {
    const story = switching();
    story.request = { ...story.request, rollback: 'k1' };
    for (let i = 0; i < 2; i += 1) story.step();
    story.now += 120 * SECOND;
    story.manifest = backedOff(story.known, 'issuer: no answer', story.now);
    expect(wayBack(story.known)).toMatchObject({ to: { kid: 'k1' }, from: { kid: 'k2' }, isUnderWay: true });
    expect(story.run()).toEqual([]);
    expect(story.run({ rollback: 'k1' })).toEqual(['confirm-signers k1 rolled-back']);
    expect(story.run({ rollback: 'k1' })).toEqual([]);
    expect(story.active).toBe('k1');
  });

  it('has nothing to go back to at the first key, nor where the former one was retired', () => {
    const first = new Story();
    for (let i = 0; i < 5; i += 1) first.step();
    expect(first.known.rollout).toMatchObject({ former: null, phase: 'switch' });
    expect(first.run({ rollback: 'k0' })).toEqual(['refused nothing-to-roll-back']);
    const story = switching();
    recordOnly(story, 'k1', { reason: 'superseded' });
    expect(refusal(story.known)).toMatchObject({ code: 'nothing-to-roll-back' });
  });
});
