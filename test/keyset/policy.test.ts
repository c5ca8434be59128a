import { describe, expect, it } from 'vitest';
import { DAY, HOUR, MINUTE, SECOND } from '../../src/keyset/basics/clock.js';
import {
  defaultVerifyFor,
  LONGEST_DURATION,
  leastVerifyFor,
  mayPublishAtOnce,
  mostKeys,
  POLICY_DEFAULTS,
  type Policy,
  policyProblems,
  type ServiceFacts,
} from '../../src/keyset/basics/policy.js';

const POLICY: Policy = { ...POLICY_DEFAULTS, maxTokenTtl: 7 * DAY, verifyFor: 8 * DAY, slowestReload: 2 * MINUTE };
/** Every service is polled. */
const POLLED: ServiceFacts = {
  longestDeadline: 2 * MINUTE,
  slowestReload: 2 * MINUTE,
  unpolledSigner: false,
  allVerifiersPolled: true,
};
const NO_SERVICES: ServiceFacts = {
  longestDeadline: 0,
  slowestReload: 0,
  unpolledSigner: true,
  allVerifiersPolled: false,
};

function problems(changes: Partial<Policy>, facts: ServiceFacts = POLLED) {
  return policyProblems({ ...POLICY, ...changes }, facts);
}

describe('a policy that rejects no token', () => {
  it('has no problem', () => {
    expect(problems({})).toEqual([]);
  });

  it('is what the defaults make of any token life, with or without services', () => {
    for (const maxTokenTtl of [1, MINUTE, HOUR, DAY, 30 * DAY, 365 * DAY]) {
      for (const facts of [POLLED, NO_SERVICES, { ...POLLED, longestDeadline: 5 * DAY }]) {
        const policy = { ...POLICY, maxTokenTtl, verifyFor: defaultVerifyFor({ ...POLICY, maxTokenTtl }, facts) };
        expect(policyProblems({ ...policy, maxKeys: mostKeys(policy) }, facts)).toEqual([]);
      }
    }
  });

  it('may be exactly as long as is needed', () => {
    const verifyFor = 7 * DAY + 2 * MINUTE + 2 * MINUTE;
    expect(leastVerifyFor(POLICY, POLLED)).toBe(verifyFor);
    expect(problems({ verifyFor })).toEqual([]);
    expect(problems({ verifyFor: verifyFor - 1 })).toHaveLength(1);
  });
});

describe('verifyFor', () => {
  it('is refused when tokens outlive it, with the arithmetic', () => {
    expect(problems({ verifyFor: 7 * DAY })).toEqual([
      {
        field: 'verifyFor',
        message: 'verifyFor 7d would reject tokens: maxTokenTtl 7d + 2 x clockSkew 1m + longest deadline 2m = 7d4m',
        fix: 'set verifyFor to at least 7d4m',
      },
    ]);
  });

  it('has to cover signers that nobody can poll', () => {
    expect(problems({ verifyFor: 7 * DAY + 4 * MINUTE }, { ...POLLED, unpolledSigner: true })).toEqual([
      {
        field: 'verifyFor',
        message:
          'verifyFor 7d4m would reject tokens: maxTokenTtl 7d + 2 x clockSkew 1m + longest deadline 2m + signerMaxAge 1d = 8d4m',
        fix: 'set verifyFor to at least 8d4m',
      },
    ]);
  });

  it('does not name a deadline where there is none', () => {
    expect(problems({ verifyFor: 0, signerMaxAge: 0 }, NO_SERVICES)[0]?.message).toBe(
      'verifyFor 0s would reject tokens: maxTokenTtl 7d + 2 x clockSkew 1m + signerMaxAge 0s = 7d2m',
    );
  });

  it('is maxTokenTtl + 24h by default, or more where that is not enough', () => {
    expect(defaultVerifyFor(POLICY, POLLED)).toBe(8 * DAY);
    expect(defaultVerifyFor(POLICY, NO_SERVICES)).toBe(8 * DAY + 2 * MINUTE);
  });
});

describe('publishAhead', () => {
  it('is refused when a verifier may still hold an older set, with the arithmetic', () => {
    expect(problems({ publishAhead: HOUR })).toEqual([
      {
        field: 'publishAhead',
        message:
          'publishAhead 1h would reject tokens: a verifier may cache the JWKS for jwksMaxAge 1h + clockSkew 1m = 1h1m',
        fix: 'set publishAhead to at least 1h1m; 0s only with unlistedVerifiers: false, jwksMaxAge: 0s and every verifier polled',
      },
    ]);
    expect(problems({ publishAhead: HOUR + MINUTE })).toEqual([]);
  });

  it('may be 0s only where every verifier reads the file itself and shows what it accepts', () => {
    const atOnce = { publishAhead: 0, jwksMaxAge: 0, unlistedVerifiers: false };
    expect(problems(atOnce)).toEqual([]);
    expect(mayPublishAtOnce(atOnce, POLLED)).toBe(true);
    expect(problems(atOnce, { ...POLLED, allVerifiersPolled: false })[0]?.field).toBe('publishAhead');
    expect(problems({ ...atOnce, unlistedVerifiers: true })[0]?.field).toBe('publishAhead');
    expect(problems({ ...atOnce, jwksMaxAge: SECOND })[0]?.field).toBe('publishAhead');
  });
});

describe('the other settings', () => {
  it('refuses tokens that do not live', () => {
    expect(problems({ maxTokenTtl: 0 })).toEqual([
      { field: 'maxTokenTtl', message: 'maxTokenTtl is 0: no token could live', fix: "give your longest token's life" },
    ]);
  });

  it('refuses a key that is due before it may sign', () => {
    expect(problems({ rotateEvery: 24 * HOUR })).toEqual([
      {
        field: 'rotateEvery',
        message: 'rotateEvery 1d is not longer than publishAhead 1d: a key would be due before it may sign',
        fix: 'set rotateEvery above 1d',
      },
    ]);
  });

  it('refuses more keys than a load balancer takes', () => {
    expect(problems({ rotateEvery: 2 * DAY, maxKeys: 7 })).toEqual([]);
    expect(problems({ rotateEvery: 2 * DAY, maxKeys: 6 })).toEqual([
      {
        field: 'maxKeys',
        message:
          '7 keys would be in the JWKS at once, maxKeys is 6: pending + active + (verifyFor 8d + clockSkew 1m) / rotateEvery 2d, rounded up',
        fix: 'rotate less often, shorten verifyFor, or raise maxKeys',
      },
    ]);
  });

  it.each([
    'maxTokenTtl',
    'rotateEvery',
    'jwksMaxAge',
    'publishAhead',
    'signerMaxAge',
    'verifyFor',
    'clockSkew',
  ] as const)('refuses a %s that leaves the range of dates, and says nothing of sums with it', (field) => {
    expect(problems({ [field]: LONGEST_DURATION + 1 })).toEqual([
      { field, message: `${field} 3650d1ms is longer than 3650d`, fix: 'use a shorter time' },
    ]);
  });

  it('reports all at once', () => {
    const found = problems({ maxTokenTtl: 0, verifyFor: 0, publishAhead: 0, rotateEvery: 0 });
    expect(found.map((problem) => problem.field)).toEqual(['maxTokenTtl', 'verifyFor', 'publishAhead', 'rotateEvery']);
  });
});
