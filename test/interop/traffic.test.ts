import { SignJWT } from 'jose';
import { expect, it, onTestFinished } from 'vitest';
import { until } from '../e2e/world.js';
import { Traffic } from './traffic.js';

/** A signer of keys `a` and `b`, and a verifier that answers as it is told to. */
function double() {
  const state = { signs: 'a', answers: new Map([['a', 200]]) };
  const tokenOf = (kid: string) =>
    new SignJWT({}).setProtectedHeader({ alg: 'HS256', kid }).sign(Buffer.alloc(32, kid));
  const kidIn = (token: string) => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid;
  const traffic = new Traffic({
    mint: () => tokenOf(state.signs),
    check: async (token) => state.answers.get(kidIn(token)) ?? 0,
  });
  onTestFinished(() => traffic.end());
  const checked = (kid: string, status: number) =>
    until(() => traffic.checks.some((check) => check.kid === kid && check.status === status), `${status} of ${kid}`);
  return { state, traffic, checked };
}

it('counts a rejected token of a good key, and not one that nobody could answer for', async () => {
  const { state, traffic, checked } = double();
  await checked('a', 200);
  state.answers.set('a', 503);
  await checked('a', 503);
  expect(traffic.wronglyRejected()).toEqual([]);
  expect(traffic.unanswered()).not.toEqual([]);
  state.answers.set('a', 401);
  await checked('a', 401);
  expect(traffic.wronglyRejected()).toContainEqual(expect.objectContaining({ kid: 'a', status: 401 }));
});

it('counts an old token that is rejected after the switch', async () => {
  const { state, traffic, checked } = double();
  await checked('a', 200);
  Object.assign(state, { signs: 'b', answers: new Map([['b', 200]]) });
  state.answers.set('a', 401);
  await checked('b', 200);
  await checked('a', 401);
  expect(traffic.wronglyRejected().map(({ kid }) => kid)).toContain('a');
  expect(traffic.firstAccepted('b', 0)).toBeGreaterThan(0);
});

it('counts a leaked key that is accepted after the bound, and not before it', async () => {
  const { state, traffic, checked } = double();
  await checked('a', 200);
  traffic.leaked('a');
  state.answers.set('a', 401);
  await checked('a', 401);
  expect(traffic.wronglyRejected()).toEqual([]);
  expect(traffic.firstRejected('a', 0)).toBeGreaterThan(0);
  state.answers.set('a', 200);
  traffic.mustBeRejected('a');
  await until(() => traffic.wronglyAccepted().length > 0, 'a wrong acceptance');
});
