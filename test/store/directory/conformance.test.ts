import { storeConformance } from '../../conformance/store.js';
import { makeStoreUnderTest } from './made.js';

const KINDS = ['before', 'after', 'lost-reply'] as const;
const OPERATIONS = ['commit', 'put', 'delete'] as const;

storeConformance('the directory', makeStoreUnderTest, {
  damage: true,
  faults: OPERATIONS.flatMap((operation) => KINDS.map((kind) => [kind, operation] as const)),
});
