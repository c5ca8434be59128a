import { afterAll, beforeAll } from 'vitest';
import { until } from '../e2e/world.js';
import type { PartyKind } from './party.js';
import { openStage, PATIENT, type Stage } from './stage.js';
import { Traffic } from './traffic.js';

/** There in each test of a `describe`. */
export interface OnStage {
  readonly stage: Stage;
  readonly traffic: Traffic;
}

/** A party with its first key, and traffic from then to the end. */
export function onStage(kind: PartyKind, options: { readonly cached: boolean }): OnStage {
  const opened: { stage?: Stage; traffic?: Traffic } = {};
  beforeAll(async () => {
    const stage = await openStage(kind, options);
    opened.stage = stage;
    // Some take long to start.
    stage.patience('60s');
    await stage.run(0, 'rotate');
    stage.patience(PATIENT);
    const traffic = new Traffic(stage);
    opened.traffic = traffic;
    const first = await stage.active();
    await until(() => traffic.kids().includes(first), `a first token: ${stage.said()}`, 30_000);
  });
  // Also after a failure half-way.
  afterAll(async () => {
    await opened.traffic?.end();
    await opened.stage?.close();
  });
  return {
    get stage() {
      if (opened.stage === undefined) throw new Error('the stage was not opened');
      return opened.stage;
    },
    get traffic() {
      if (opened.traffic === undefined) throw new Error('no traffic has begun');
      return opened.traffic;
    },
  };
}
