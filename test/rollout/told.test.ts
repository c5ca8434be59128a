import { expect, it } from 'vitest';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { retired } from '../../src/keyset/transitions/all.js';
import { retirementRecorded } from '../../src/keyset/transitions/retirement.js';
import { Told } from '../../src/rollout/told.js';
import { RETIRE, START } from '../keyset/fixtures.js';
import { settled } from '../keyset/scenes.js';

const before: Manifest = settled().manifest!;
const kid = before.keys.find((key) => key.state === 'active')!.kid;
const requested = retirementRecorded(before, { ...RETIRE, kid }, START, START);
const ended = retired(requested, kid, 'compromised', START);

it('what a store was told of a retirement is what it is known to hold, and what it may hold besides', () => {
  const told = new Told();
  const said = () => [told.hasAnswered, told.of(kid), told.inDoubt(kid)];
  expect(said()).toEqual([false, 'nothing', null]);
  told.wasAsked(requested);
  expect(said()).toEqual([false, 'nothing', 'request']);
  told.saw(before);
  expect(said()).toEqual([true, 'nothing', null]);
  told.wasAsked(requested);
  expect(said()).toEqual([true, 'nothing', 'request']);
  told.saw(requested);
  expect(said()).toEqual([true, 'request', null]);
  // A read that went unanswered asks for nothing new.
  told.wasAsked(requested);
  expect(said()).toEqual([true, 'request', null]);
  told.wasAsked(ended);
  expect(said()).toEqual([true, 'request', 'end']);
  told.saw(ended);
  expect(said()).toEqual([true, 'end', null]);
});
