import { describe, expect, it } from 'vitest';
import { NOTHING_ASKED, type Request } from '../../src/keyset/planning/action.js';
import { NEW_KID, plan } from '../../src/keyset/planning/plan.js';
import { stage } from '../../src/keyset/transitions/all.js';
import { DAY, JWKS, named, newKey, RETIRE, rotated, START, Story, say, settled, staged, switching } from './story.js';

/** The whole list, one line an action, and the code of the refusal that it ends with. */
function listed(story: Story, request: Partial<Request> = {}): string[] {
  const { actions, refusal } = plan({ ...story.input(), request: { ...NOTHING_ASKED, ...request } });
  const lines = actions.map(say);
  return refusal === null ? lines : [...lines, `refused ${refusal.code}`];
}

const FIRST = [
  'generate - first-key',
  'write-outlets (new) new-key',
  'confirm-verifiers (new) new-key',
  'activate (new) published-long-enough',
  'write-outlets (new) switched',
  'confirm-signers (new) switched',
];

describe('a plan', () => {
  it('lists the whole first rotation', () => {
    expect(listed(new Story())).toEqual(FIRST);
    expect(NEW_KID).toBe('(new)');
  });

  it('lists the first rotation where no outlet is configured', () => {
    const story = new Story();
    story.holdings = [];
    expect(listed(story)).toEqual(FIRST.filter((line) => line !== 'write-outlets (new) switched'));
  });

  it('lists nothing when nothing is due', () => {
    expect(listed(settled())).toEqual([]);
  });

  it('lists staging as far as it goes today', () => {
    const story = settled();
    story.now = START + 89 * DAY;
    expect(listed(story)).toEqual(['generate - age', 'write-outlets (new) new-key', 'confirm-verifiers (new) new-key']);
  });

  it('lists the second half on its day', () => {
    const story = staged();
    story.now += DAY;
    expect(listed(story)).toEqual([
      'activate k2 published-long-enough',
      'write-outlets k2 switched',
      'confirm-signers k2 switched',
    ]);
  });

  it('lists an immediate rotation, and one that hurries what is under way', () => {
    expect(listed(settled(), { force: true, immediate: true })).toEqual(['generate - immediate', ...FIRST.slice(1)]);
    expect(listed(staged(), { force: true, immediate: true })[0]).toBe('expedite k2 immediate');
  });

  it('lists an incident to the end of its key', () => {
    expect(listed(settled(), { retire: { ...RETIRE, kid: 'k1' }, incidentOnly: true })).toEqual([
      'record-retirement k1 asked',
      'generate - compromised',
      ...FIRST.slice(1),
      'retire k1 compromised',
      'write-outlets - key-dropped',
      'delete-secret k1 retired',
      'confirm-drop k1 key-dropped',
    ]);
  });

  it('lists an incident whose deadline has passed', () => {
    const story = settled();
    story.request = { ...NOTHING_ASKED, retire: { ...RETIRE, kid: 'k1' } };
    story.step();
    story.now += DAY;
    expect(listed(story).slice(0, 3)).toEqual([
      'generate - compromised',
      'replace-at-deadline (new) deadline-passed',
      'write-outlets (new) switched',
    ]);
  });

  it('lists a change of the algorithm over a key that is staged', () => {
    const story = staged();
    story.policy = { ...story.policy, alg: 'Ed25519' };
    expect(listed(story, { changeAlg: true })).toEqual([
      'retire k2 superseded',
      'write-outlets - key-dropped',
      'delete-secret k2 retired',
      'confirm-drop k2 key-dropped',
      'generate - algorithm-changed',
      'write-outlets (new) new-key',
      'confirm-verifiers (new) new-key',
    ]);
  });

  it('lists what expires and what follows', () => {
    const story = rotated();
    story.now += 9 * DAY;
    expect(listed(story)).toEqual([
      'retire k1 expired',
      'write-outlets - key-dropped',
      'delete-secret k1 retired',
      'confirm-drop k1 key-dropped',
    ]);
  });

  it('expects each key to end for its own reason', () => {
    const endOf = (story: Story, kid: string, request: Partial<Request> = {}) => {
      const { outcome } = plan({ ...story.input(), request: { ...NOTHING_ASKED, ...request } });
      return outcome?.keys.find((key) => key.kid === kid);
    };
    const asked: Partial<Request> = { retire: { ...RETIRE, kid: 'k1', reason: 'failed' }, incidentOnly: true };
    expect(endOf(settled(), 'k1', asked)).toMatchObject({ state: 'retired', reason: 'failed' });
    const changed = staged();
    changed.policy = { ...changed.policy, alg: 'Ed25519' };
    expect(endOf(changed, 'k2', { changeAlg: true })).toMatchObject({ state: 'retired', reason: 'superseded' });
    const rolledBack = rotated();
    rolledBack.run({ rollback: 'k1' });
    rolledBack.now += 9 * DAY;
    expect(endOf(rolledBack, 'k2')).toMatchObject({ state: 'retired', reason: 'failed' });
    const expired = rotated();
    expired.now += 9 * DAY;
    expect(endOf(expired, 'k1')).toMatchObject({ state: 'retired', reason: 'expired' });
  });

  it('gives up a key that is being created when its rollout is over', () => {
    const story = settled();
    const named = stage(story.known, newKey('k2'), { forced: false, immediate: false, former: 'k1' }, story.now);
    story.manifest = { ...named, rollout: null };
    expect(listed(story)).toEqual(['recover k2 interrupted', 'delete-secret k2 retired']);
  });

  it('says what forbids it, after what may still be done', () => {
    const story = switching();
    story.now -= 10 * DAY;
    expect(listed(story)).toEqual(['confirm-signers k2 switched', 'refused clock-behind']);
    const stray = settled();
    stray.holdings = [{ ...JWKS, intact: true, keys: [named(null, 'legacy')] }];
    expect(listed(stray)).toEqual(['refused unknown-keys']);
  });

  it('is what a run then does', () => {
    const stories: [Story, Partial<Request>][] = [
      [new Story(), {}],
      [settled(), { force: true }],
      [settled(), { force: true, immediate: true }],
      [staged(), { force: true, immediate: true }],
      [switching(), {}],
      [rotated(), { retire: { ...RETIRE, kid: 'k2' }, incidentOnly: true }],
    ];
    for (const [story, request] of stories) {
      const planned = listed(story, request);
      const made = `k${(story.manifest?.keys.length ?? 0) + 1}`;
      expect(story.run(request)).toEqual(planned.map((line) => line.replace('(new)', made)));
    }
  });

  it('touches nothing', () => {
    const story = staged();
    const before = structuredClone({ manifest: story.manifest, holdings: story.holdings });
    listed(story, { force: true, immediate: true });
    expect({ manifest: story.manifest, holdings: story.holdings }).toEqual(before);
  });
});
