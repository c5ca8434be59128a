import { describe } from 'vitest';
import { IN_DOUBT, type Instant, instantsSuite, SilentStore, silentFrom } from './silent-store.js';

const store = new SilentStore();

const AT_THE_END: Readonly<Record<string, Instant>> = {
  "while it took the key's end": {
    rule: silentFrom('UpdateSecretVersionStage', 8, 'mute'),
    deadline: '15s',
    published: true,
    delivered: true,
    knows: `the store has the request; whether it knows that the key is retired ${IN_DOUBT}`,
    next: 'it tells the store (',
  },
  "after it took the key's end": {
    rule: silentFrom('DeleteSecret'),
    deadline: '15s',
    published: true,
    delivered: true,
    knows: 'the store knows of the retirement, and that the key is retired; this host remembers it',
    next: 'it goes on with what is left',
  },
};

describe('Secrets Manager falls silent amid a retire', { timeout: 120_000 }, () => {
  instantsSuite(store, AT_THE_END);
});
