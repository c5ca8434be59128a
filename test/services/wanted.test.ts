import { describe, expect, it } from 'vitest';
import type { Report, Role } from '../../src/services/service.js';
import { judge, type Wanted } from '../../src/services/wanted.js';
import { aService } from './services.js';

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

  it('a signer may be asked to be off a kid, whichever else it signs with', () => {
    expect(verdict('signer', says('new', null), { notSigning: ['old'] })).toBe('met');
    expect(verdict('signer', says('old', null), { notSigning: ['old'] })).toBe('healthy: still signs with "old"');
    expect(verdict('signer', says(null, null), { notSigning: ['old'] })).toBe('not healthy: reports no signing kid');
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
