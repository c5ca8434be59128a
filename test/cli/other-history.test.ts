import { describe, expect, it } from 'vitest';
import { untilRead } from '../../src/cli/commands/retire.js';
import { refusalOf } from '../../src/cli/other-history-refusal.js';
import { HOUR } from '../../src/keyset/basics/clock.js';

describe('what is not printed from another history', () => {
  const text = 'the store has revision 8, and this host knows revision 9';

  it('is refused as sync refuses it, with the next command', () => {
    const error = refusalOf({ why: 'lower-revision', text, isDoubtful: false }, 'api', 'directory /s');
    expect(error).toMatchObject({ code: 'other-history', exit: 5, message: expect.stringContaining(text) });
    expect(error.message).toMatch(/; nothing was printed$/);
    expect(error.hint).toContain('jwtrot store recover --keyset api');
  });

  it('is looked at again later, where an old copy may have been read', () => {
    const error = refusalOf({ why: 'lower-revision', text, isDoubtful: true }, 'api', 'secret jwtrot/api');
    expect(error).toMatchObject({
      code: 'stale-replica',
      exit: 75,
      hint: expect.stringContaining('run it again later'),
    });
  });

  it('is not told by a damaged record, which says itself what state things are in', () => {
    const error = refusalOf({ why: 'record-damaged', text: 'it is damaged', isDoubtful: false }, 'api', 'directory /s');
    expect(error).toMatchObject({ code: 'record-damaged', exit: 5, message: 'it is damaged' });
  });
});

describe('how long a verifier that nobody reached may trust a leaked key', () => {
  it('is the time of a cache; without one, until it reads again, and never `0s longer`', () => {
    expect(untilRead({ jwksMaxAge: HOUR })).toBe('for 1h longer (jwksMaxAge)');
    expect(untilRead({ jwksMaxAge: 0 })).toBe('until it has read the JWKS again');
  });
});
