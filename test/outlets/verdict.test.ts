import { describe, expect, it } from 'vitest';
import type { OutletContent } from '../../src/keyset/published/jwk-set.js';
import type { Seen } from '../../src/outlets/findings.js';
import { type Verdict, verdictOn } from '../../src/outlets/verdict.js';

const CONTENT: Omit<OutletContent, 'isIncident'> = {
  keyset: 'api',
  lineage: 'one',
  formerLineages: ['zero'],
  revision: 10,
  commit: 'c',
  jwks: { keys: [] },
  published: [{ kid: 'k1', thumbprint: 't1' }],
  active: null,
  knownKids: ['k1'],
  allowEmpty: false,
  retiring: [],
  retired: [],
};
const OURS = { keyset: 'api', lineage: 'one', revision: 9 };
const REMEMBERED = { lineage: 'one', revision: 10, retired: [] };
const SEEN: Seen = {
  outlet: '/srv/jwks.json',
  path: '/srv/jwks.json',
  format: 'jwks',
  record: OURS,
  recordPath: '/srv/.jwks.json.jwtrot',
  remembered: REMEMBERED,
  given: { outlet: '/srv/jwks.json', sha256: 'given' },
  sight: { keys: [{ kid: 'k1', thumbprint: 't1' }], foreign: false, isThere: true, sha256: 'held' },
  wouldBeEmptied: false,
  unnameable: null,
  flaw: null,
};
const FLAW = { code: 'shared-directory', kind: 'refused', why: 'w', hint: 'h', yieldsToIncident: true } as const;
const unsafe = { ...FLAW, code: 'unsafe-directory', yieldsToIncident: false };
const strange = { ...SEEN.sight, keys: [{ kid: 'mallory', thumbprint: 't9' }] };
const foreign = { ...SEEN.sight, keys: [], foreign: true };
const gone = { ...SEEN.sight, keys: null, isThere: false, sha256: null };

function told(verdict: Verdict): string {
  return verdict.because === null ? verdict.do : `${verdict.do}: ${verdict.because.code}`;
}

/** What is seen, and what is done with the outlet outside of an incident and in one. */
const TABLE: readonly (readonly [what: string, seen: Partial<Seen>, usual: string, incident: string])[] = [
  ['all as it should be', {}, 'write', 'write'],
  ['nothing there, and never was', { record: 'absent', given: null, sight: gone }, 'write', 'write'],
  ['outlet and record both gone, as after a reboot', { record: 'absent', sight: gone }, 'write', 'write'],
  [
    'a later revision remembered: this run was paused',
    { remembered: { ...REMEMBERED, revision: 11 } },
    'stop: older-revision',
    'stop: older-revision',
  ],
  [
    'a later revision of another history remembered',
    { remembered: { ...REMEMBERED, lineage: 'two', revision: 99 } },
    'write',
    'write',
  ],
  [
    'a key remembered as retired, which the manifest has in use: the store was not told',
    { remembered: { ...REMEMBERED, retired: [{ kid: 'k0', thumbprint: 't1' }] } },
    'stop: retired-key',
    'subtract: retired-key',
  ],
  [
    'a retired key of the same kid, which is another pair',
    { remembered: { ...REMEMBERED, retired: [{ kid: 'k1', thumbprint: 't0' }] } },
    'write',
    'write',
  ],
  ['nothing remembered', { remembered: null, given: null }, 'write', 'write'],
  ['a damaged record', { record: 'damaged' }, 'leave: outlet-record-damaged', 'subtract: outlet-record-damaged'],
  [
    'a record of another history',
    { record: { ...OURS, lineage: 'two' } },
    'leave: outlet-record-of-other-history',
    'subtract: outlet-record-of-other-history',
  ],
  [
    'a record of a named former history, however late',
    { record: { ...OURS, lineage: 'zero', revision: 99 } },
    'write',
    'write',
  ],
  [
    'a record of a huge revision',
    { record: { ...OURS, revision: 2 ** 52 } },
    'leave: outlet-record-ahead',
    'subtract: outlet-record-ahead',
  ],
  ['a record of 0.1.0', { record: { ...OURS, lineage: null } }, 'write', 'write'],
  [
    'a record of 0.1.0 that is ahead',
    { record: { ...OURS, lineage: null, revision: 11 } },
    'leave: outlet-record-ahead',
    'subtract: outlet-record-ahead',
  ],
  [
    'no record, and another set than was given',
    { record: 'absent' },
    'leave: outlet-record-missing',
    'subtract: outlet-record-missing',
  ],
  [
    'no record, and the very set that was given',
    { record: 'absent', given: { outlet: '', sha256: 'held' } },
    'write',
    'write',
  ],
  ['no record, and nothing was given', { record: 'absent', given: null }, 'write', 'write'],
  ['no record, and its file was removed', { record: 'absent', given: { outlet: '', sha256: null } }, 'write', 'write'],
  ['a directory of others, where none is kept', { record: 'kept nowhere' }, 'write', 'write'],
  ['a record of another keyset', { record: { ...OURS, keyset: 'web' } }, 'stop: other-keyset', 'leave: other-keyset'],
  ['a key that nobody knows', { sight: strange }, 'stop: unknown-kid', 'subtract: unknown-kid'],
  [
    'a key that nobody knows, where none is kept',
    { sight: strange, record: 'kept nowhere' },
    'stop: unknown-kid',
    'subtract: unknown-kid',
  ],
  [
    "a file that never was jwtrot's",
    { sight: foreign, record: 'absent', given: null },
    'stop: foreign-file',
    'leave: foreign-file',
  ],
  [
    'the same in a directory of others',
    { sight: foreign, record: 'kept nowhere', given: null },
    'stop: foreign-file',
    'leave: foreign-file',
  ],
  ['garbage in place of what jwtrot wrote', { sight: foreign }, 'write', 'write'],
  [
    'a directory, and a kid that can be no file name',
    { unnameable: 'a/b' },
    'leave: kid-no-file-name',
    'subtract: kid-no-file-name',
  ],
  ['nothing to publish, and keys there', { wouldBeEmptied: true }, 'stop: empty-jwks', 'leave: empty-jwks'],
  ['a directory that others may write', { flaw: FLAW }, 'leave: shared-directory', 'write: shared-directory'],
  ['no safe place for a private key', { flaw: unsafe }, 'leave: unsafe-directory', 'subtract: unsafe-directory'],
];

describe('what may be done with an outlet', () => {
  it.each(TABLE)('%s', (_what, changes, usual, incident) => {
    const seen = { ...SEEN, ...changes };
    expect(told(verdictOn(seen, { ...CONTENT, isIncident: false }, false))).toBe(usual);
    expect(told(verdictOn(seen, { ...CONTENT, isIncident: true }, false))).toBe(incident);
  });

  it('names the file of what a command was given: without it the command is run anew', () => {
    const seen = { ...SEEN, outlet: 'command put', path: '/var/lib/jwtrot/api-1.given', record: 'absent' } as const;
    const { because } = verdictOn(seen, { ...CONTENT, isIncident: false }, false);
    expect(because?.hint).toMatch(/: rm \/var\/lib\/jwtrot\/api-1\.given$/);
    expect(told(verdictOn({ ...seen, sight: gone }, { ...CONTENT, isIncident: false }, false))).toBe('write');
  });

  it('in another history: keys are taken out of every outlet, and nothing is added to any', () => {
    for (const [, changes] of TABLE) {
      const verdict = verdictOn({ ...SEEN, ...changes }, { ...CONTENT, isIncident: true }, true);
      expect(told(verdict)).toBe('subtract: other-history');
    }
  });

  it('never adds a key to one whose record contradicts: neither name nor number of a prototype helps', () => {
    for (const lineage of ['__proto__', 'constructor', 'toString']) {
      const verdict = verdictOn({ ...SEEN, record: { ...OURS, lineage } }, { ...CONTENT, isIncident: false }, false);
      expect(told(verdict)).toBe('leave: outlet-record-of-other-history');
    }
    const kid = verdictOn(
      { ...SEEN, sight: { ...SEEN.sight, keys: [{ kid: 'constructor', thumbprint: '' }] } },
      { ...CONTENT, isIncident: false },
      false,
    );
    expect(told(kid)).toBe('stop: unknown-kid');
  });
});
