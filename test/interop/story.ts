import { expect, it } from 'vitest';
import { until } from '../e2e/world.js';
import { writeFigures } from './figures.js';
import { onStage } from './on-stage.js';
import type { PartyKind } from './party.js';
import { PATIENT } from './stage.js';

/** Two rotations, a rollback and a leak. Each step leaves the next one its keys. */
export function story(kind: PartyKind): void {
  const here = onStage(kind, { cached: false });
  const accepted: number[] = [];
  let rejected = Number.POSITIVE_INFINITY;

  /** The new key's first token was accepted: how long after the switch. */
  const switched = async (from: string) => {
    const key = (await here.stage.keys()).find(({ state }) => state === 'active');
    if (key === undefined || key.kid === from) throw new Error('the switch did not happen');
    const at = Date.parse(key.activatedAt ?? '');
    const isAccepted = () => here.traffic.checks.some(({ kid, status }) => kid === key.kid && status === 200);
    await until(isAccepted, `an accepted token of ${key.kid}`, 60_000);
    accepted.push(here.traffic.firstAccepted(key.kid, at));
  };
  const nothingIsRejected = () =>
    expect({ rejected: here.traffic.wronglyRejected(), unanswered: here.traffic.unanswered() }).toEqual({
      rejected: [],
      unanswered: [],
    });

  it('a rotation at once', async () => {
    const before = await here.stage.active();
    await here.stage.run(0, 'rotate', '--immediate');
    await switched(before);
    nothingIsRejected();
  });

  it('a rotation ahead of which the key is published', async () => {
    const before = await here.stage.active();
    // A reload may take effect within this time, so the switch waits that long.
    let patience = 4;
    here.stage.patience(`${patience}s`);
    await until(
      async () => {
        // 4: not within that time, on a busy machine. It goes on with the next run.
        const { code, said } = await here.stage.attempt('rotate', '--force');
        if (code !== 0 && code !== 4) throw new Error(said);
        if (code === 4) patience *= 2;
        here.stage.patience(`${patience}s`);
        return (await here.stage.active()) !== before;
      },
      'the switch',
      150_000,
    );
    here.stage.patience(PATIENT);
    await switched(before);
    nothingIsRejected();
  });

  it('a rollback', async () => {
    const before = await here.stage.active();
    await here.stage.run(0, 'rollback', '--yes');
    const now = await here.stage.active();
    expect(now).not.toBe(before);
    const since = Date.now();
    await until(
      () => here.traffic.checks.some(({ kid, from, status }) => kid === now && from > since && status === 200),
      'a token of the former key',
      30_000,
    );
    nothingIsRejected();
  });

  it('a leak', async () => {
    const leaked = await here.stage.active();
    const asked = Date.now();
    here.traffic.leaked(leaked);
    await here.stage.run(0, 'retire', '--kid', leaked, '--yes', '--deadline', '60s');
    here.traffic.mustBeRejected(leaked);
    const ended = Date.now();
    const isSeen = () => here.traffic.checks.filter(({ kid, from }) => kid === leaked && from > ended).length >= 10;
    await until(isSeen, 'ten checks of the leaked key', 60_000);
    rejected = here.traffic.firstRejected(leaked, asked);
    expect(here.traffic.wronglyAccepted()).toEqual([]);
    expect(await here.stage.active()).not.toBe(leaked);
    nothingIsRejected();
  });

  it('comes to figures', () => {
    expect(accepted).toHaveLength(2);
    expect(rejected).toBeLessThan(60);
    writeFigures({
      party: kind.name,
      version: kind.version(),
      accepts: Math.max(...accepted),
      rejects: rejected,
      wronglyRejected: here.traffic.wronglyRejected().length,
      wronglyAccepted: here.traffic.wronglyAccepted().length,
    });
  });
}
