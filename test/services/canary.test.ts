import { describe, expect, it } from 'vitest';
import { probeByCanary } from '../../src/services/canary.js';
import type { CanaryHealth } from '../../src/services/health-kinds.js';
import type { CanaryLooks, SignedCanary } from '../../src/services/proving.js';
import { healthAt } from './services.js';

const { kid: _, kids: _kids, preloaded: _preloaded, ...common } = healthAt('http://h/');
const HEALTH: CanaryHealth = {
  ...common,
  type: 'canary',
  method: 'GET',
  claims: { aud: 'api' },
  typ: 'at+jwt',
  accepted: [200, 403],
  rejected: [401],
  every: 5_000,
};

interface Scene {
  readonly active?: string | null;
  /** The status for each token, in order or by kid. */
  readonly answers: (kid: string, turn: number) => number | null;
  readonly hidden?: readonly string[];
  readonly signed?: Readonly<Record<string, SignedCanary>>;
  readonly mayStop?: boolean;
  readonly workers?: readonly string[];
  readonly health?: Partial<CanaryHealth>;
  readonly random?: () => number;
}

/** What a probe reports, and which tokens were sent. */
async function probed(kids: readonly string[], scene: Scene) {
  const { active = 'a', answers, hidden = [], signed = {}, mayStop = true, workers, random } = scene;
  const sent: string[] = [];
  const controlled = new Set<string>();
  const canaries = {
    controlled,
    controlledSince: new Set<string>(),
    activeKid: () => active,
    mayShow: (kid: string) => !hidden.includes(kid),
    mayStop: () => mayStop,
    sign: async (kid: string, looks: CanaryLooks) => signed[kid] ?? { token: `${kid} ${JSON.stringify(looks)}` },
    control: async () => ({ token: 'control' }),
  };
  const send = async (token: string) => {
    const [kid = ''] = token.split(' ');
    sent.push(kid);
    const status = answers(kid, sent.length);
    return {
      status,
      reason: status === null ? 'connection refused' : `HTTP ${status}`,
      worker: workers?.[sent.length - 1] ?? null,
    };
  };
  const show = { at: 'gateway/g', health: { ...HEALTH, ...scene.health }, canaries, send };
  const report = await probeByCanary(random === undefined ? show : { ...show, random }, kids);
  return { report, sent, controlled };
}

const right = (held: readonly string[]) => (kid: string) => (held.includes(kid) ? 403 : 401);
const shown = (kids: string[], rejects: string[], unshown: string[] = []) => {
  return { ok: true, kid: null, kids, rejects, unshown, worker: null };
};

describe('A probe with canaries', () => {
  it('begins with the control, shows it once more after an acceptance, and shows the active key before and after a rejection', async () => {
    const { report, sent, controlled } = await probed(['a', 'new', 'old'], { answers: right(['a', 'new']) });
    expect(sent).toEqual(['control', 'a', 'control', 'new', 'old', 'a']);
    expect(report).toEqual(shown(['a', 'new'], ['old']));
    expect([...controlled]).toEqual(['gateway/g']);
  });

  it('needs no second look where nothing is rejected', async () => {
    const { report, sent } = await probed(['new'], { answers: right(['a', 'new']) });
    expect(sent).toEqual(['control', 'a', 'control', 'new']);
    expect(report).toEqual(shown(['a', 'new'], []));
  });

  it.each<[string, Scene['answers'], object, string[]]>([
    ['rejects everything', () => 401, { ...shown([], []), refusedWith: 401 }, ['control', 'a']],
    [
      'breaks in between',
      (kid, turn) => (kid === 'a' && turn < 5 ? 200 : 401),
      { ok: false, reason: 'it no longer accepts "a"' },
      ['control', 'a', 'control', 'old', 'a'],
    ],
    [
      'is busy with the key in question',
      (kid) => (kid === 'old' ? 429 : right(['a'])(kid)),
      { ok: false, reason: 'HTTP 429 to a canary' },
      ['control', 'a', 'control', 'old'],
    ],
    [
      'is busy right after a rejection',
      (kid, turn) => (turn === 5 ? 503 : right(['a'])(kid)),
      { ok: false, reason: 'it no longer accepts "a"' },
      ['control', 'a', 'control', 'old', 'a'],
    ],
    ['is away', () => null, { ok: false, reason: 'connection refused to a canary' }, ['control']],
    ['answers what is in neither list', () => 404, { ok: false, reason: 'HTTP 404 to a canary' }, ['control']],
  ])('shows no rejection by a service that %s', async (_case, answers, report, sent) => {
    expect(await probed(['old'], { answers })).toMatchObject({ report, sent });
  });

  it('of a service that accepts a wrong signature ends the run, but not an incident', async () => {
    await expect(probed(['new'], { answers: () => 200 })).rejects.toMatchObject({
      code: 'canary-proves-nothing',
      kind: 'usage',
    });
    const { report, sent } = await probed(['new'], { answers: () => 200, mayStop: false });
    expect(report).toEqual({
      ok: false,
      reason: 'it accepts a token with a wrong signature (HTTP 200), so its answers prove nothing',
    });
    expect(sent).toEqual(['control']);
  });

  it('sends nothing to a service that was not told of a key yet: it needs a reload', async () => {
    const { report, sent } = await probed(['old', 'new'], { answers: right(['a']), hidden: ['new'] });
    expect(sent).toEqual([]);
    expect(report).toEqual(shown([], []));
  });

  it('shows nothing of a key that nobody has', async () => {
    const { report, sent } = await probed(['gone'], { answers: right(['a']), signed: { gone: { gone: true } } });
    expect(sent).toEqual(['control', 'a', 'control']);
    expect(report).toEqual(shown(['a'], [], ['gone']));
  });

  it('says why no canary can be signed now', async () => {
    const { report } = await probed(['new'], { answers: right(['a']), signed: { new: { fault: 'KMS is away' } } });
    expect(report).toEqual({ ok: false, reason: 'KMS is away' });
  });

  it('without an active key shows what is accepted, and no rejection', async () => {
    const { report, sent } = await probed(['new', 'old'], { active: null, answers: right(['new']) });
    expect(sent).toEqual(['control', 'new', 'control', 'old']);
    expect(report).toEqual(shown(['new'], []));
  });

  it('finds a cache that keeps the first acceptance, whatever the token', async () => {
    const answers = (kid: string, turn: number) => (kid === 'control' && turn === 1 ? 401 : 200);
    await expect(probed(['new'], { answers })).rejects.toMatchObject({ code: 'canary-proves-nothing' });
    const { report, sent } = await probed(['new'], { answers, mayStop: false });
    expect(report).toMatchObject({ ok: false, reason: expect.stringContaining('prove nothing') });
    expect(sent).toEqual(['control', 'a', 'control']);
  });

  it('shows the new key to each of several workers that take turns, and so finds one that is stale', async () => {
    // Worker 1 has not read the new key. Without a mix it would get the active key's canary in every look.
    let [turn, draws, refused] = [0, 0, 0];
    const random = () => [0.9, 0.1, 0.5, 0.7][draws++ % 4] ?? 0;
    const answers = (kid: string) => {
      const worker = turn++ % 2;
      if (kid === 'control') return 401;
      return kid === 'new' && worker === 1 ? 401 : 200;
    };
    for (let look = 0; look < 12; look++) {
      const { report } = await probed(['new'], { answers, random, health: { confirmations: 10 } });
      if (!report.ok || report.kids?.includes('new') !== true) refused += 1;
    }
    expect(refused).toBeGreaterThan(2);
    expect(refused).toBeLessThan(10);
  });

  it('mixes nothing where there is one worker', async () => {
    const { sent } = await probed(['new'], { answers: right(['a', 'new']), random: () => 0.99 });
    expect(sent).toEqual(['control', 'a', 'control', 'new']);
  });

  it('counts for a worker only where all of its answers came from it', async () => {
    const answers = right(['a', 'new']);
    expect((await probed(['new'], { answers, workers: ['1', '2', '1', '2'] })).report).toMatchObject({ worker: '2' });
    expect((await probed(['new'], { answers, workers: ['1', '1', '1', '2'] })).report).toMatchObject({ worker: null });
  });
});
