import { describe } from 'vitest';
import { IN_DOUBT, type Instant, instantsSuite, REQUESTED, SilentStore, silentFrom } from './silent-store.js';

const store = new SilentStore();

const AROUND_THE_SWITCH: Readonly<Record<string, Instant>> = {
  'when the replacement, which is active there, is to be delivered': {
    rule: silentFrom('Decrypt'),
    deadline: '15s',
    published: true,
    delivered: false,
    knows: `the store has the request; whether it knows that the key is retired ${IN_DOUBT}`,
    next: 'it tells the store (',
  },
  'after the replacement was delivered': {
    rule: silentFrom('PutSecretValue', 7),
    deadline: '15s',
    published: true,
    delivered: true,
    knows: REQUESTED,
    next: 'it tells the store (',
  },
};

describe('Secrets Manager falls silent amid a retire', { timeout: 120_000 }, () => {
  instantsSuite(store, AROUND_THE_SWITCH);
});
