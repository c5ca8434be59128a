import { describe, expect, it } from 'vitest';
import type { Report, Role } from '../../src/services/service.js';
import { judge, type Wanted } from '../../src/services/wanted.js';
import { aService, healthAt } from './services.js';

const says = (kid: string | null, kids: readonly string[] | null): Report => ({ ok: true, kid, kids, worker: null });
const verdict = (role: Role, report: Report, wanted: Wanted) => {
  const judgement = judge(aService({ role }), report, wanted);
  return judgement.met ? 'met' : `${judgement.healthy ? 'healthy' : 'not healthy'}: ${judgement.reason}`;
};

describe('what an instance reports is judged by its role', () => {
  it.each<[Role, Report, string]>([
    ['signer', says('new', null), 'met'],
    ['signer', says('old', ['new']), 'healthy: signs with "old"'],
    ['signer', says(null, ['new']), 'not healthy: reports no signing kid'],
    ['verifier', says(null, ['old', 'new']), 'met'],
    ['verifier', says('old', ['old', 'new']), 'met'],
    ['verifier', says('new', ['old']), 'healthy: does not accept "new"'],
    ['verifier', says('new', null), 'not healthy: reports no list of accepted kids'],
    ['both', says('new', ['new']), 'met'],
    ['both', says('old', ['new']), 'healthy: signs with "old"'],
    ['both', says('new', ['old']), 'healthy: does not accept "new"'],
    ['both', says('old', ['old']), 'healthy: signs with "old", does not accept "new"'],
    ['both', says('old', null), 'not healthy: signs with "old", reports no list of accepted kids'],
    ['both', { ok: false, reason: 'connection refused' }, 'not healthy: connection refused'],
  ])('%s, %j: %s', (role, report, expected) => {
    expect(verdict(role, report, { signs: 'new', accepts: ['new'] })).toBe(expected);
  });
});

describe('what a signer has in memory', () => {
  const holder = aService({ role: 'signer', health: healthAt('http://h/', { preloaded: '/preloaded' }) });
  const wanted = { signs: 'old', preloads: 'new' };
  const holds = (kid: string, preloaded: readonly string[] | null): Report => {
    return { ok: true, kid, kids: null, preloaded, worker: null };
  };

  it.each<[Report, object]>([
    [holds('old', ['old', 'new']), { met: true }],
    [holds('old', ['old']), { met: false, healthy: true, reason: 'has not preloaded "new"' }],
    [holds('old', null), { met: false, healthy: false, reason: 'reports no list of preloaded kids' }],
    [says('old', null), { met: false, healthy: false, reason: 'reports no list of preloaded kids' }],
    [holds('other', []), { met: false, healthy: true, reason: 'signs with "other", has not preloaded "new"' }],
  ])('%j', (report, judgement) => {
    expect(judge(holder, report, wanted)).toEqual(judgement);
  });

  it('is asked of nobody who does not say it, and never when it is not wanted', () => {
    expect(verdict('signer', says('old', null), wanted)).toBe('met');
    expect(judge(holder, holds('old', []), { signs: 'old' })).toEqual({ met: true });
  });
});

describe('that a kid is absent', () => {
  const wanted = { drops: ['gone'], activeKid: 'active' };

  it('counts only when the list is there and holds the active key', () => {
    expect(verdict('verifier', says(null, ['active']), wanted)).toBe('met');
    expect(verdict('verifier', says(null, ['active', 'gone']), wanted)).toBe('healthy: still accepts "gone"');
    expect(verdict('verifier', says(null, []), wanted)).toBe('healthy: does not accept the active key "active"');
    expect(verdict('verifier', says(null, ['other']), wanted)).toBe('healthy: does not accept the active key "active"');
    expect(verdict('verifier', says('active', null), wanted)).toBe('not healthy: reports no list of accepted kids');
  });

  it('counts without an active key when there is none', () => {
    expect(verdict('verifier', says(null, []), { drops: ['gone'] })).toBe('met');
    expect(verdict('verifier', says(null, null), { drops: ['gone'] })).not.toBe('met');
  });

  it('is not read out of a kid that resembles it', () => {
    expect(verdict('verifier', says(null, ['active', 'gone2', 'GONE']), wanted)).toBe('met');
  });
});

describe('a reason', () => {
  it('holds nothing that a terminal would act on', () => {
    expect(verdict('signer', says('\u001b[2J\nold', null), { signs: 'new' })).toBe(
      'healthy: signs with "\\u001b[2J\\nold"',
    );
  });
});

describe('what a verifier does with canaries', () => {
  const shows = (kids: string[], rejects: string[], unshown: string[] = [], refused = {}): Report => {
    return { ok: true, kid: null, kids, rejects, unshown, worker: null, ...refused };
  };
  const drops = { drops: ['gone'], activeKid: 'active' };

  it.each<[Report, Wanted, string]>([
    [shows(['active', 'new'], []), { accepts: ['active', 'new'] }, 'met'],
    [shows(['active'], ['new']), { accepts: ['active', 'new'] }, 'healthy: does not accept "new"'],
    [shows(['active'], [], ['new']), { accepts: ['active', 'new'] }, 'met'],
    [shows(['new'], []), { inUse: ['older'], accepts: ['new'] }, 'healthy: does not accept "older"'],
    [{ ok: true, kid: null, kids: ['new'], worker: null }, { inUse: ['older'], accepts: ['new'] }, 'met'],
    [shows(['active'], ['gone']), drops, 'met'],
    [shows(['active'], [], ['gone']), drops, 'met'],
    [shows(['active', 'gone'], []), drops, 'healthy: still accepts "gone"'],
    // A canary of each key was refused: that says more of the canaries than of the keys.
    [
      shows([], ['new'], [], { refusedWith: 401 }),
      { inUse: ['new'], accepts: ['new'] },
      'healthy: does not accept "new": it answered each canary with 401 (does it check iss or aud? See health.claims)',
    ],
    // Absence alone is no rejection.
    [shows(['active'], []), drops, 'healthy: was not seen to reject "gone"'],
    [shows([], ['gone']), drops, 'healthy: does not accept the active key "active"'],
    [
      shows([], []),
      { drops: ['gone'] },
      'not healthy: was not seen to reject "gone": it counts beside an acceptance alone, and no key is active',
    ],
  ])('%j', (report, wanted, expected) => {
    expect(verdict('verifier', report, wanted)).toBe(expected);
  });
});
