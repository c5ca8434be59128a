import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { until } from '../e2e/world.js';
import { onStage } from './on-stage.js';
import type { Signer, SignerKind } from './party.js';
import { IMPATIENT, PATIENT } from './stage.js';

/** Bad input in mid-rotation: whoever signs takes the new key as soon as it can, and none of its tokens is rejected. */
export function signerTrouble(kind: SignerKind): void {
  const here = onStage(kind, { cached: false });
  afterEach(() => expect(here.traffic.wronglyRejected()).toEqual([]));

  const signsWith = (kid: string) =>
    until(() => here.traffic.kids().includes(kid), `a token of ${kid}`, 60_000).then(async () =>
      expect(await here.stage.check(here.traffic.held(kid))).toBe(200),
    );

  it('restarted', async () => {
    const before = await here.stage.active();
    await here.stage.run(0, 'rotate', '--force');
    await here.stage.party.stop();
    await here.stage.party.start();
    await here.stage.run(0, 'rotate', '--immediate');
    expect(await here.stage.active()).not.toBe(before);
    await signsWith(await here.stage.active());
  });

  it('killed', async () => {
    const before = await here.stage.active();
    await here.stage.party.kill();
    here.stage.patience(IMPATIENT);
    await here.stage.run(4, 'rotate', '--immediate').finally(() => here.stage.patience(PATIENT));
    await here.stage.party.start();
    await here.stage.run(0, 'rotate', '--immediate');
    expect(await here.stage.active()).not.toBe(before);
    await signsWith(await here.stage.active());
  });

  it('started without its key', async () => {
    await here.stage.run(0, 'rotate', '--force');
    await here.stage.party.stop();
    for (const file of [here.stage.place.key, here.stage.place.jwks]) rmSync(dirname(file), { recursive: true });
    for (const folder of ['private', 'public']) here.stage.place.world.folderFor(folder);
    await here.stage.party.start();
    expect(await (here.stage.party as Signer).mint()).toBeNull();
    await here.stage.run(0, 'rotate', '--immediate');
    await signsWith(await here.stage.active());
  });
}
