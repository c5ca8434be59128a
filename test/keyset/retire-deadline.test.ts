import { describe, expect, it } from 'vitest';
import { backedOff, rolledBack } from '../../src/keyset/transitions/all.js';
import { withParts } from '../support/manifest.js';
import { noKms, recordOnly } from './incidents.js';
import { DAY, HOUR, POLICY, RETIRE, rotated, SECOND, settled, switching } from './story.js';

describe('the deadline', () => {
  it('switches and ends the publication in one commit, whoever has not answered', () => {
    const story = settled();
    story.request = { ...story.request, retire: { ...RETIRE, kid: 'k1' }, incidentOnly: true };
    for (let i = 0; i < 3; i += 1) story.step();
    story.blocked.add('rollout');
    expect(story.next).toBe('await-deadline k1 compromised');
    story.now += 120 * SECOND;
    expect(story.step()).toBe('replace-at-deadline k2 deadline-passed');
    expect(story.states).toBe('k1: retired, k2: active');
    expect(story.known.rollout).toMatchObject({ kid: 'k2', former: null, phase: 'switch' });
    expect(story.step()).toBe('write-outlets k2 switched');
  });

  it('is kept though the run that took it up was killed: the next goes on with what is left of it', () => {
    const story = settled();
    recordOnly(story, 'k1');
    story.now += 119 * SECOND;
    expect(story.next).toBe('generate - compromised');
    story.now += SECOND;
    expect(story.next).toBe('generate - compromised');
    story.step();
    expect(story.next).toBe('replace-at-deadline k2 deadline-passed');
  });

  it('waits for outlets no more than for services', () => {
    const story = settled();
    recordOnly(story, 'k1');
    story.now += 120 * SECOND;
    for (let i = 0; i < 2; i += 1) story.step();
    story.blocked.add('outlets');
    expect(story.next).toBe('confirm-signers k2 switched');
    story.blocked.add('rollout');
    expect(story.next).toBe('delete-secret k1 retired');
    story.step();
    expect(story.next).toBe('confirm-drop k1 key-dropped');
  });

  it('makes the newest deprecated key sign again when no replacement can be made', () => {
    const story = rotated();
    story.now += HOUR;
    story.run({ force: true, immediate: true });
    recordOnly(story, 'k3');
    noKms(story);
    expect(story.next).toBe('await-deadline k3 compromised');
    story.now += 120 * SECOND;
    expect(story.step()).toBe('replace-at-deadline k2 deadline-passed');
    expect(story.states).toBe('k1: deprecated, k2: active, k3: retired');
    expect(story.key('k2').signedUntil).toBeNull();
    story.run();
    expect(story.key('k1').signedUntil).not.toBeNull();
  });

  it('does not fall back to a key that signers did not take while there is another', () => {
    const story = switching();
    story.manifest = backedOff(rolledBack(story.known, { policy: POLICY, at: story.now }, 'x'), 'x', story.now);
    story.run();
    story.run({ force: true, immediate: true });
    expect(story.states).toBe('k1: deprecated, k2: deprecated, k3: active');
    recordOnly(story, 'k3');
    story.now += 120 * SECOND;
    noKms(story);
    expect(story.next).toBe('replace-at-deadline k1 deadline-passed');
    story.manifest = { ...story.known, keys: story.known.keys.filter((key) => key.kid !== 'k1') };
    story.holdings = [];
    expect(story.next).toBe('replace-at-deadline k2 deadline-passed');
  });

  it('does not fall back to a key that must leave itself, nor to one without a private half', () => {
    const story = switching();
    recordOnly(story, 'k1', { deadline: DAY });
    recordOnly(story, 'k2');
    story.now += 120 * SECOND;
    noKms(story);
    expect(story.next).toBe('refused only-key');
    const half = rotated();
    half.manifest = withParts(half.known, 'k1', { hasPrivate: false });
    recordOnly(half, 'k2');
    half.now += 120 * SECOND;
    noKms(half);
    expect(half.next).toBe('refused only-key');
  });

  it('keeps the former key of a switch that was cut short, the only one that signs (trace 8)', () => {
    const story = switching();
    recordOnly(story, 'k2');
    noKms(story);
    expect(story.next).toBe('await-deadline k2 compromised');
    story.now += 120 * SECOND;
    expect(story.step()).toBe('replace-at-deadline k1 deadline-passed');
    expect(story.states).toBe('k1: active, k2: retired');
    expect(story.known.rollout).toMatchObject({ kid: 'k1', phase: 'switch', former: null });
  });

  it('leaves the only key where it is, and says so', () => {
    const story = settled();
    recordOnly(story, 'k1');
    story.now += 120 * SECOND;
    noKms(story);
    const decision = story.decide();
    expect(decision).toEqual({
      type: 'refused',
      refusal: {
        code: 'only-key',
        message:
          'no replacement could be made, and k1 is the only key of keyset api: it stays in the JWKS and goes on signing',
        hint: 'when the store and KMS answer again: jwtrot retire --kid k1; to publish without any key: add --no-replacement',
      },
    });
    // The incident is recorded: the next run tries again.
    expect(story.run()[0]).toBe('generate - compromised');
    expect(story.states).toBe('k1: retired, k2: active');
  });
});
