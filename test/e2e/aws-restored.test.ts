import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AwsServer, startAwsServer } from '../aws/server.js';
import { openAwsSite } from './aws-command.js';
import { restoredSecretSuite } from './aws-restored.js';
import type { RotateDocument, Site } from './fixtures.js';
import { publishedKids } from './look.js';

let server: AwsServer;
beforeAll(async () => {
  server = await startAwsServer();
});
afterAll(() => server.close());

restoredSecretSuite('the suite’s own server', () => server);

describe('a replica that lags behind', () => {
  let site: Site & { prefix: string };
  afterEach(() => site.world.close());

  it('is no other history: exit 75 at once, and outlets keep what they hold', async () => {
    site = await openAwsSite(server);
    await site.world.run(['rotate']);
    const name = `${site.prefix}/api`;
    const older = server.secretText(name);
    await site.world.run(['rotate', '--immediate']);
    const kept = publishedKids(site);
    server.replaceSecret(name, older);
    server.makeReplica(name, 'us-east-1');
    for (const verb of ['sync', 'rotate']) {
      const { code, document } = await site.world.json<RotateDocument>([verb]);
      expect({ verb, code, error: document.error?.code }).toEqual({ verb, code: 75, error: 'stale-replica' });
      expect(document.error?.hint).toContain('AWS_REGION=us-east-1');
    }
    expect(publishedKids(site)).toEqual(kept);
  });
});
