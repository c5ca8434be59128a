import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { backedOff, rolledBack } from '../../src/keyset/transitions/all.js';
import { DAY, HOUR, rotated, START, Story, settled, staged } from './story.js';

/** What a run commits when signers do not confirm and there is a key to go back to. */
function goBack(story: Story): void {
  story.manifest = backedOff(
    rolledBack(story.known, { policy: story.policy, at: story.now }, 'issuer: refused'),
    'issuer',
    story.now,
  );
}

function failed(manifest: Manifest, at: number): number {
  return (backedOff(manifest, 'issuer: no answer', at).backoff?.until ?? 0) - at;
}

describe('backing off', () => {
  it('doubles from 1 h to 24 h', () => {
    let { manifest } = { manifest: settled().known };
    const waits: number[] = [];
    for (let i = 0; i < 12; i += 1) {
      waits.push(failed(manifest, START) / HOUR);
      manifest = backedOff(manifest, 'issuer: no answer', START);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 24, 24, 24, 24, 24, 24, 24]);
  });

  it('goes on doubling when verifiers confirm each time and signers never do', () => {
    const story = staged();
    story.now = START + 90 * DAY;
    const waits: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      while (!story.next.startsWith('confirm-signers')) story.step();
      goBack(story);
      story.run();
      const until = story.known.backoff?.until ?? 0;
      waits.push((until - story.now) / HOUR);
      story.now = until;
      story.run();
      story.now += DAY;
    }
    expect(waits).toEqual([1, 2, 4]);
    story.run();
    expect(story.known.backoff).toBeNull();
    expect(story.active).toBe('k5');
  });

  it('holds the next attempt, and says nothing is to be done', () => {
    const story = staged();
    story.now += DAY;
    story.manifest = backedOff(story.known, 'gateway: no answer', story.now);
    story.now += HOUR - 1;
    expect(story.run()).toEqual([]);
    story.now += 1;
    expect(story.run()[0]).toBe('activate k2 published-long-enough');
  });

  it('does not hold what an operator forces, from its beginning to its end', () => {
    const story = settled();
    story.manifest = backedOff(story.known, 'issuer: refused', story.now);
    expect(story.run()).toEqual([]);
    expect(story.run({ force: true, immediate: true })).toEqual([
      'generate - immediate',
      'write-outlets k2 new-key',
      'confirm-verifiers k2 new-key',
      'activate k2 published-long-enough',
      'write-outlets k2 switched',
      'confirm-signers k2 switched',
    ]);
  });

  it('does not hold a forced rotation either where no outlet is configured', () => {
    const story = new Story();
    story.holdings = [];
    story.run();
    story.manifest = backedOff(story.known, 'issuer: refused', story.now);
    story.run({ force: true, immediate: true });
    expect(story.active).toBe('k2');
  });

  it('ends with what an operator forces under way', () => {
    const story = staged();
    story.manifest = backedOff(story.known, 'gateway: no answer', story.now);
    story.now += DAY / 48;
    expect(story.run({ force: true })).toEqual(['expedite k2 forced']);
    expect(story.known).toMatchObject({ backoff: null, rollout: { forced: true, immediate: false } });
  });

  it('is forgotten when a drop or a refresh that had failed goes well', () => {
    const story = rotated();
    story.now += 9 * DAY;
    for (let i = 0; i < 3; i += 1) story.step();
    story.manifest = backedOff(story.known, 'gateway: no answer', story.now);
    expect(story.next).toBe('nothing');
    story.now += HOUR;
    expect(story.run()).toEqual(['confirm-drop k1 key-dropped']);
    expect(story.known.backoff).toBeNull();
  });

  it('cuts the reason to what a manifest takes', () => {
    expect(backedOff(settled().known, 'x'.repeat(900), START).backoff?.because).toHaveLength(400);
  });
});
