import { describe, expect, it } from 'vitest';
import { HOUR, rotated, SECOND, staged } from './story.js';

/** jwksMaxAge and twice clockSkew. */
const LATEST = HOUR + 120 * SECOND;
const CANARIES = { dropsByCanary: true } as const;
const DELETE = 'delete-secret k1 retired';

describe('The private half of a key whose drop is shown by canaries', () => {
  it('is deleted after the last look, where others are deleted before it', () => {
    const retired = (changes: object) => {
      const story = rotated(changes);
      story.now += 100 * 24 * HOUR;
      return story.run().filter((done) => done.includes('k1'));
    };
    expect(retired({})).toEqual(['retire k1 expired', DELETE, 'confirm-drop k1 key-dropped']);
    expect(retired(CANARIES)).toEqual(['retire k1 expired', 'confirm-drop k1 key-dropped', DELETE]);
  });

  it('is there in an incident until verifiers were looked at again', () => {
    const story = rotated(CANARIES);
    expect(story.retire('k1')).not.toContain(DELETE);
    expect(story.key('k1')).toMatchObject({ state: 'retired', goneAt: null });
    story.now += LATEST;
    expect(story.run()).toEqual(['recheck-drop k1 key-dropped', DELETE]);
  });

  it('is deleted at last whatever verifiers do, and after one more try', () => {
    const story = rotated(CANARIES);
    story.now += 100 * 24 * HOUR;
    while (story.next !== 'confirm-drop k1 key-dropped') story.step();
    const retiredAt = story.key('k1').retiredAt ?? 0;
    story.blocked.add('drop');
    story.now = retiredAt + LATEST - 1;
    expect(story.next).not.toBe(DELETE);
    story.now = retiredAt + LATEST;
    expect(story.next).toBe(DELETE);
    story.blocked.clear();
    expect(story.next).toBe('confirm-drop k1 key-dropped');
  });

  it('is deleted at once where the proof was given up, or nobody ever saw the key', () => {
    const purged = rotated(CANARIES);
    expect(purged.retire('k1', { purge: true })).toContain(DELETE);
    const unseen = staged(CANARIES);
    unseen.manifest = {
      ...unseen.known,
      keys: unseen.known.keys.map((key) =>
        key.kid === 'k2' && key.state === 'pending' ? { ...key, publishedAt: null } : key,
      ),
    };
    expect(unseen.retire('k2')).toContain('delete-secret k2 retired');
  });
});
