import { afterAll, beforeAll } from 'vitest';
import { type AwsServer, startAwsServer } from '../aws/server.js';
import { openAwsSite } from './aws-command.js';
import { concurrencySuite } from './concurrency.js';
import { openSite } from './fixtures.js';

let server: AwsServer;
beforeAll(async () => {
  server = await startAwsServer();
});
afterAll(() => server.close());

concurrencySuite('the directory store', () => openSite());
concurrencySuite('Secrets Manager and KMS', () => openAwsSite(server));
