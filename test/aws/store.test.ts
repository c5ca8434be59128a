import { afterAll, beforeAll, describe } from 'vitest';
import { type FaultKind, type FaultOperation, storeConformance } from '../conformance/store.js';
import { faultTests } from '../conformance/store-faults.js';
import { type AwsServer, startAwsServer } from './server.js';
import { failingStore, QUICK } from './target.js';

const ALL = (['before', 'after', 'lost-reply'] as const).flatMap((kind) =>
  (['commit', 'put', 'delete'] as const).map((operation): [FaultKind, FaultOperation] => [kind, operation]),
);

let server: AwsServer;
beforeAll(async () => {
  server = await startAwsServer();
});
afterAll(() => server.close());

storeConformance('Secrets Manager', () => failingStore(server), { damage: true, faults: ALL });
// Nobody repeats a request: the store itself has to find out what became of it.
describe('Secrets Manager without retries of the SDK', () => {
  for (const [kind, operation] of ALL) {
    faultTests(() => failingStore(server, { ...QUICK, attempts: 1 }), kind, operation);
  }
});
