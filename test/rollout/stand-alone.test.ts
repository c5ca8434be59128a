import { describe, expect, it } from 'vitest';
import { JwtrotError } from '../../src/keyset/basics/error.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import type { Action } from '../../src/keyset/planning/action.js';
import type { Run } from '../../src/rollout/run.js';
import { standsAlone } from '../../src/rollout/stand-alone.js';

const DAMAGED = new JwtrotError('refused', 'kek-invalid', 'the KEK is not 256 bits', { hint: 'restore it' });

function failing(type: Action['type'], error: unknown, { incident = true, aborted = false } = {}) {
  const retirements = incident ? [{ kid: 'k1', checkAgainAt: null, deadlineAt: 0 }] : [];
  const run = {
    context: { name: 'api', report: () => {}, signal: aborted ? AbortSignal.abort() : new AbortController().signal },
    request: { retire: null },
    ledger: { manifest: { retirements, keys: [] } as unknown as Manifest },
    blocked: new Set<string>(),
    problems: [],
  } as unknown as Run;
  const goesOn = standsAlone(run, { type, kid: 'k1', reason: 'compromised' } as Action, error);
  return { goesOn, blocked: [...run.blocked], problems: run.problems.map(({ code, kind }) => ({ code, kind })) };
}

describe('what fails in an incident', () => {
  it.each<[Action['type'], string]>([
    ['generate', 'generate'],
    ['recover', 'key k1'],
    ['write-outlets', 'outlets'],
    ['confirm-verifiers', 'rollout'],
    ['activate', 'rollout'],
    ['confirm-signers', 'rollout'],
    ['refresh-services', 'refresh'],
    ['confirm-drop', 'drop'],
    ['recheck-drop', 'recheck-drop'],
    ['delete-secret', 'key k1'],
    ['destroy', 'key k1'],
  ])('is named, and the rest goes on: %s', (type, block) => {
    const problems = [{ code: 'kek-invalid', kind: 'refused' }];
    expect(failing(type, DAMAGED)).toEqual({ goesOn: true, blocked: [block], problems });
  });

  it('may be what nobody foresaw', () => {
    const problems = [{ code: 'unforeseen', kind: 'services' }];
    expect(failing('confirm-drop', new TypeError('x'))).toEqual({ goesOn: true, blocked: ['drop'], problems });
  });

  const nothing = { goesOn: false, blocked: [], problems: [] };
  it.each<[string, () => unknown]>([
    ['what all else depends on', () => failing('record-retirement', DAMAGED)],
    ['an incident is not what it is', () => failing('generate', DAMAGED, { incident: false })],
    ['it was interrupted', () => failing('generate', DAMAGED, { aborted: true })],
    ['another run goes on with it', () => failing('generate', new JwtrotError('leased', 'lease-lost', 'taken over'))],
    ['another run has gone on', () => failing('write-outlets', new JwtrotError('refused', 'older-revision', 'older'))],
  ])('ends the run: %s', (_, fail) => {
    expect(fail()).toEqual(nothing);
  });
});
