import { afterEach, expect, it } from 'vitest';
import { until } from '../e2e/world.js';
import { onStage } from './on-stage.js';
import type { VerifierKind } from './party.js';
import { IMPATIENT, PATIENT, type Stage } from './stage.js';
import { isRejected } from './traffic.js';

/** Bad input in mid-rotation: jwtrot waits, the old key signs on, and no token is rejected. Then it goes on. */
export function verifierTrouble(kind: VerifierKind): void {
  const here = onStage(kind, { cached: kind.reads === 'url' });
  afterEach(() => expect(here.traffic.wronglyRejected()).toEqual([]));

  /** A run that the party does not confirm: it waits, then the key that signed signs on. */
  const isNotConfirmed = async () => {
    const before = await here.stage.active();
    here.stage.patience(IMPATIENT);
    await here.stage.run(4, 'rotate', '--immediate').finally(() => here.stage.patience(PATIENT));
    expect(await here.stage.active()).toBe(before);
    expect((await here.stage.keys()).filter(({ state }) => state === 'pending')).toHaveLength(1);
    return before;
  };
  const isConfirmed = async (before: string) => {
    await here.stage.run(0, 'rotate', '--immediate');
    const now = await here.stage.active();
    expect(now).not.toBe(before);
    await until(() => here.traffic.kids().includes(now), 'a token of the new key', 30_000);
    for (const kid of [before, now]) expect(await here.stage.check(here.traffic.held(kid))).toBe(200);
  };

  it('restarted', async () => {
    const before = await here.stage.active();
    await here.stage.run(0, 'rotate', '--force');
    await here.stage.party.stop();
    await here.stage.party.start();
    await isConfirmed(before);
  });

  it('killed', async () => {
    await here.stage.party.kill();
    const before = await isNotConfirmed();
    await here.stage.party.start();
    await isConfirmed(before);
  });

  it('started without a JWKS', async () => {
    const [before, since] = [await here.stage.active(), Date.now()];
    await here.stage.party.stop();
    await lose(kind, here.stage);
    const starts = here.stage.party.start();
    if (kind.withoutJwks === 0) await expect(starts).rejects.toThrow('ended');
    else await starts;
    expect(await here.stage.check(here.traffic.held(before))).toBe(kind.withoutJwks);
    // A file is there again with the next run. A URL is not.
    if (kind.reads === 'url') await isNotConfirmed();
    here.stage.cache?.pass();
    if (kind.withoutJwks === 0) {
      if (kind.reads === 'files') await isNotConfirmed();
      await here.stage.party.start();
    }
    await isConfirmed(before);
    if (isRejected({ status: kind.withoutJwks })) here.traffic.excuse(since);
  });

  if (kind.reads === 'files') return;

  it('served an older copy', async () => {
    await here.stage.cache?.hold();
    const before = await isNotConfirmed();
    here.stage.cache?.pass();
    await isConfirmed(before);
  });

  it('served an older copy for longer than configured', async () => {
    const leaked = (await here.stage.keys()).find(({ state }) => state === 'deprecated')?.kid ?? '';
    const [active, token] = [await here.stage.active(), here.traffic.held(leaked)];
    await here.stage.cache?.hold();
    here.traffic.leaked(leaked);
    await here.stage.run(4, 'retire', '--kid', leaked, '--yes', '--deadline', '6s');
    if (kind.servedTooLong === 'unavailable')
      await until(async () => (await here.stage.check(token)) === 503, 'no more trust in it', 30_000);
    else expect(await here.stage.check(token)).toBe(200);
    here.stage.cache?.pass();
    await here.stage.run(0, 'retire', '--kid', leaked, '--yes', '--deadline', '60s');
    here.traffic.mustBeRejected(leaked);
    expect(isRejected({ status: await here.stage.check(token) })).toBe(true);
    expect(await here.stage.active()).toBe(active);
    expect(here.traffic.wronglyAccepted()).toEqual([]);
  });
}

async function lose(kind: VerifierKind, { cache, place }: Stage): Promise<void> {
  if (kind.reads === 'url') return cache?.fail();
  kind.lose?.(place);
}
