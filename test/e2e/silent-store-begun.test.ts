import { describe, expect, it } from 'vitest';
import { publishedKids } from './look.js';
import {
  IN_DOUBT,
  type Instant,
  instantsSuite,
  REQUESTED,
  retireCommand,
  SilentStore,
  silentFrom,
} from './silent-store.js';

const SIGNS = 'it tells the store, and another key signs';

const store = new SilentStore();

const BEFORE_THE_SWITCH: Readonly<Record<string, Instant>> = {
  'before it took the request': {
    rule: silentFrom('UpdateSecretVersionStage', 1, 'mute'),
    deadline: '4s',
    published: false,
    delivered: false,
    knows: `whether the store knows of the retirement ${IN_DOUBT}`,
    next: SIGNS,
  },
  'after it took the request': {
    rule: silentFrom('PutSecretValue', 2),
    deadline: '4s',
    published: false,
    delivered: false,
    knows: REQUESTED,
    next: SIGNS,
  },
  'after the replacement was published': {
    rule: silentFrom('PutSecretValue', 4),
    deadline: '8s',
    published: true,
    delivered: false,
    knows: REQUESTED,
    next: SIGNS,
  },
};

describe('Secrets Manager falls silent amid a retire', { timeout: 120_000 }, () => {
  instantsSuite(store, BEFORE_THE_SWITCH);

  it('is said to people, too', async () => {
    const [, leaked] = await store.twoKeys();
    store.server.fail(silentFrom('PutSecretValue', 4));
    const { code, stderr } = await store.site.world.run(retireCommand('8s', '--kid', leaked));
    expect(code, stderr).toBe(4);
    const replacement = publishedKids(store.site)[1];
    expect(stderr).toContain(`; before that this run had added key "${replacement}" to ${store.jwks}; ${REQUESTED}\n`);
    expect(stderr).not.toContain('nothing was added');
    expect(stderr).not.toContain('does not know of the retirement');
  });
});
