import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { wayBack } from '../../src/keyset/planning/rollback.js';
import { noKms, recordOnly } from './incidents.js';
import { DAY, HOUR, rotated, Story, settled, switching } from './story.js';

function refusal(manifest: Manifest): { code: string; message: string; hint: string } {
  const way = wayBack(manifest);
  if (!('code' in way)) throw new Error(`there is a way back to ${way.to.kid}`);
  return way;
}

const BACK = ['roll-back k1 asked', 'write-outlets k2 rolled-back', 'confirm-signers k1 rolled-back'];

describe('a rollback by hand and what happens beside it', () => {
  it('is refused while the key that signs, or the one before it, is being retired', () => {
    const story = rotated();
    recordOnly(story, 'k2');
    expect(refusal(story.known)).toMatchObject({
      code: 'being-retired',
      hint: 'jwtrot retire --kid k2 goes on with it; jwtrot status shows how things stand',
    });
    expect(story.run({ rollback: 'k1' })).toEqual(['refused being-retired']);
    const replaced = settled();
    recordOnly(replaced, 'k1');
    while (replaced.next !== 'confirm-signers k2 switched') replaced.step();
    expect(refusal(replaced.known).code).toBe('being-retired');
  });

  it('does not go back to a leaked key that a killed run left in the JWKS', () => {
    const story = switching();
    recordOnly(story, 'k1');
    expect(story.step()).toBe('confirm-signers k2 switched');
    expect(story.states).toBe('k1: deprecated, k2: active');
    expect(story.run({ rollback: 'k1' })).toEqual(['refused nothing-to-roll-back']);
  });

  it('goes on though another key is being retired', () => {
    const story = rotated();
    story.now += HOUR;
    story.run({ force: true, immediate: true });
    recordOnly(story, 'k1');
    expect(story.run({ rollback: 'k2' })[0]).toBe('roll-back k2 asked');
    expect(story.states).toBe('k1: retired, k2: active, k3: deprecated');
  });

  it('is refused when the keyset has changed since the operator was told', () => {
    const story = rotated();
    story.now += HOUR;
    story.run({ force: true, immediate: true });
    expect(story.run({ rollback: 'k1' })).toEqual(['refused nothing-to-roll-back']);
    expect(story.states).toBe('k1: deprecated, k2: deprecated, k3: active');
  });

  it('goes on under a clock that is behind, and where nothing else may be done', () => {
    const story = rotated();
    story.now -= 5 * DAY;
    expect(story.run()).toEqual(['refused clock-behind']);
    expect(story.run({ rollback: 'k1' })).toEqual(BACK);
  });

  it('is refused without a keyset, without an active key and on another host', () => {
    expect(new Story().run({ rollback: 'k1' })).toEqual(['refused no-keyset']);
    const gone = settled();
    gone.retire('k1', { noReplacement: true });
    expect(gone.run({ rollback: 'k1' })).toEqual(['refused nothing-to-roll-back']);
    const moved = rotated();
    moved.manifest = { ...moved.known, host: { id: 'host-b', hostname: 'beta' } };
    moved.host = { ...moved.host, bound: true };
    expect(moved.run({ rollback: 'k1' })).toEqual(['refused other-host']);
  });

  it('settles when the former key is retired on the way, whether signers come back or not', () => {
    const story = rotated();
    story.request = { ...story.request, rollback: 'k1' };
    story.step();
    expect(story.retire('k1')).toContain('generate - compromised');
    expect(story.states).toBe('k1: retired, k2: deprecated, k3: active');
    expect(story.key('k2')).toMatchObject({ reason: 'failed', signedUntil: story.now });
    expect(story.known.rollout).toBeNull();
  });

  it('settles when the key that failed is retired on the way', () => {
    const story = rotated();
    story.request = { ...story.request, rollback: 'k1' };
    story.step();
    const done = story.retire('k2');
    expect(done.slice(0, 4)).toEqual([
      'record-retirement k2 asked',
      'write-outlets k2 rolled-back',
      'confirm-signers k1 rolled-back',
      'retire k2 compromised',
    ]);
    expect(story.states).toBe('k1: active, k2: retired');
    expect(story.known.rollout).toBeNull();
  });

  it('settles when the key that failed is retired though signers never confirm', () => {
    const story = rotated();
    story.request = { ...story.request, rollback: 'k1' };
    story.step();
    recordOnly(story, 'k2');
    expect(story.step()).toBe('write-outlets k2 rolled-back');
    expect(story.next).toBe('confirm-signers k1 rolled-back');
    story.blocked.add('rollout');
    expect(story.step()).toBe('retire k2 compromised');
    expect(story.known.rollout).toMatchObject({ kid: 'k2', former: 'k1', direction: 'back' });
    expect(story.run()[0]).toBe('write-outlets k2 rolled-back');
    expect(story.active).toBe('k1');
    expect(story.jwks).not.toContain('k2');
    expect(story.known.rollout?.kid).not.toBe('k2');
  });

  it('leaves a second rotation that settles, whichever of its keys is retired in its middle', () => {
    const again = (): Story => {
      const story = rotated();
      story.run({ rollback: 'k1' });
      story.request = { ...story.request, force: true, immediate: true };
      while (story.next !== 'confirm-signers k3 switched') story.step();
      return story;
    };
    const former = again();
    former.retire('k1');
    expect(former.states).toBe('k1: retired, k2: deprecated, k3: active');
    const failed = again();
    failed.retire('k2');
    expect(failed.states).toBe('k1: deprecated, k2: retired, k3: active');
    const fresh = again();
    fresh.retire('k3');
    expect(fresh.states).toBe('k1: deprecated, k2: deprecated, k3: retired, k4: active');
    for (const story of [former, failed, fresh]) expect(story.known.rollout).toBeNull();
  });

  it('leaves the key that works to an incident in which no new one can be made', () => {
    const story = rotated();
    story.run({ rollback: 'k1' });
    story.run({ force: true, immediate: true });
    recordOnly(story, 'k3');
    noKms(story);
    story.now = story.known.retirements[0]?.deadlineAt ?? 0;
    expect(story.step()).toBe('replace-at-deadline k1 deadline-passed');
    expect(story.states).toBe('k1: active, k2: deprecated, k3: retired');
  });
});
