import { describe, expect, it } from 'vitest';
import { backedOff, rolledBack } from '../../src/keyset/transitions/all.js';
import { DAY, HOUR, POLICY, rotated, SECOND, START, Story, staged, switching } from './story.js';

/** What a run commits when signers do not confirm and there is a key to go back to. */
function goBack(story: Story): void {
  story.manifest = backedOff(
    rolledBack(story.known, { policy: story.policy, at: story.now }, 'issuer: refused'),
    'issuer',
    story.now,
  );
}

describe('a rollback', () => {
  it('is finished in the same run: the back-off that it caused does not hold up the way back', () => {
    const story = switching();
    goBack(story);
    expect(story.known.rollout).toMatchObject({ kid: 'k2', former: 'k1', direction: 'back', phase: 'switch' });
    expect(story.states).toBe('k1: active, k2: deprecated');
    expect(story.step()).toBe('write-outlets k2 rolled-back');
    expect(story.step()).toBe('confirm-signers k1 rolled-back');
    expect(story.known.rollout).toBeNull();
    expect(story.known.backoff).toMatchObject({ failures: 1, until: story.now + HOUR, because: 'issuer' });
  });

  it('waits like anything else once it has failed itself, but not for an operator', () => {
    const story = switching();
    goBack(story);
    story.step();
    story.now += 120 * SECOND;
    story.manifest = backedOff(story.known, 'issuer: no answer', story.now);
    expect(story.next).toBe('nothing');
    story.request = { ...story.request, force: true };
    expect(story.next).toBe('confirm-signers k1 rolled-back');
    story.request = { ...story.request, force: false };
    story.now += 2 * HOUR;
    expect(story.next).toBe('confirm-signers k1 rolled-back');
  });

  it('keeps the key that failed until its last token has expired, counted from the confirmation', () => {
    const story = switching();
    goBack(story);
    story.step();
    story.now += HOUR;
    story.step();
    expect(story.key('k2')).toMatchObject({ reason: 'failed', signedUntil: story.now });
    expect(story.key('k1').signedUntil).toBeNull();
    story.manifest = { ...story.known, backoff: null };
    const until = story.now + 8 * DAY + 60 * SECOND;
    for (; story.now < until - HOUR; story.now += HOUR) story.run();
    expect(story.jwks).toContain('k2');
    story.now = until;
    expect(story.run()).toContain('retire k2 failed');
    expect(story.key('k2').reason).toBe('failed');
  });

  it('does not make the old key young: the next attempt comes with the end of the back-off', () => {
    const story = switching();
    goBack(story);
    story.run();
    story.now += HOUR - 1;
    expect(story.next).toBe('nothing');
    story.now += 1;
    expect(story.next).toBe('generate - age');
  });

  it('is final: until it is confirmed nothing is staged, forced or not', () => {
    const story = switching();
    goBack(story);
    story.step();
    story.blocked.add('rollout');
    for (const asked of [{}, { force: true }, { force: true, immediate: true }]) {
      story.request = { ...story.request, ...asked };
      expect(story.next).toBe('nothing');
    }
  });

  it('clears the end of use of a key that signs again, and sets it anew (trace 9)', () => {
    const story = switching();
    goBack(story);
    story.run();
    expect(story.key('k1')).toMatchObject({ state: 'active', signedUntil: null, deprecatedAt: null, reason: null });
    const again = rotated();
    again.run({ force: true, immediate: true });
    expect(again.key('k1').signedUntil).toBe(START + 90 * DAY);
    expect(again.states).toBe('k1: deprecated, k2: deprecated, k3: active');
  });

  it('looks at signers again no earlier than reloads of the failed switch can end, in the same run either (trace 15)', () => {
    const story = switching();
    goBack(story);
    story.step();
    story.mayReturn = true;
    story.step();
    const owner = { host: 'a', hostname: 'a', bootId: 'b', pidNamespace: 'n', pid: 2, startTime: '1' };
    const since = story.now - 60 * SECOND;
    const lease = { id: 'l', owner, verb: 'rotate', since, until: since + HOUR };
    story.manifest = { ...story.known, lease, reloadsUntil: lease.until, backoff: null };
    expect(story.key('k2').signedUntil).toBeNull();
    expect(story.next).not.toBe('confirm-signers k1 interrupted');
    story.now += HOUR;
    expect(story.next).toBe('confirm-signers k1 interrupted');
  });

  it('is not for a rollout that has not switched: the former key still signs', () => {
    expect(() => goBack(staged())).toThrow('keyset api has no former key to go back to; nothing was changed');
  });

  it('has nothing to go back to at the first key (trace 7)', () => {
    const story = new Story();
    for (let i = 0; i < 5; i += 1) story.step();
    expect(story.known.rollout).toMatchObject({ former: null, phase: 'switch' });
    expect(() => rolledBack(story.known, { policy: POLICY, at: story.now }, 'x')).toThrow(
      'keyset api has no former key to go back to; nothing was changed',
    );
    expect(story.active).toBe('k1');
  });
});
