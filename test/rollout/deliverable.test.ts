import { expect, it } from 'vitest';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { NOTHING_ASKED } from '../../src/keyset/planning/action.js';
import type { Run } from '../../src/rollout/run.js';
import { isDeliverable } from '../../src/rollout/steps/deliverable.js';
import { staged } from '../keyset/story.js';

it('A key whose secret the store lacks does not sign; the hint gives up that key, and no other', async () => {
  let known: Manifest = staged().known;
  const problems: { message: string; hint: string | null }[] = [];
  const run = {
    context: {
      name: 'api',
      report: () => {},
      outlets: { deliver: [{}], undeliverable: async () => [] },
      store: { description: 'directory /srv/store', getKey: async () => null },
    },
    ledger: {
      get known() {
        return known;
      },
      get manifest() {
        return known;
      },
      commit: async (update: (manifest: Manifest, at: number) => Manifest | null) => {
        known = update(known, 0) ?? known;
      },
    },
    request: NOTHING_ASKED,
    blocked: new Set(),
    problems,
  } as unknown as Run;
  expect(await isDeliverable(run, 'k2', 'k1 signs on')).toBe(false);
  expect(problems).toMatchObject([
    {
      message: "the signing key can't be delivered: the private key of k2 is not in directory /srv/store; k1 signs on",
      hint: 'restore its secret from a backup; or give this key up, and let the next rotation make another: jwtrot retire --kid k2 --reason superseded',
    },
  ]);
  expect(known.backoff?.because).toContain('is not in directory /srv/store');
});
