import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AwsServer, startAwsServer } from '../aws/server.js';
import { openAwsSite } from './aws-command.js';
import { accepts, mint, type RotateDocument, type Site, type StatusDocument } from './fixtures.js';

const HOUR = 3_600_000;
let server: AwsServer;
let site: Site;
beforeAll(async () => {
  server = await startAwsServer();
});
afterEach(async () => {
  server.lieAboutTime(0);
  await site.world.close();
});
afterAll(() => server.close());

async function states() {
  const { document } = await site.world.json<StatusDocument>(['status']);
  return document.keysets[0]!.keys.map((key) => key.state);
}

describe('a clock that AWS disagrees with', () => {
  it('is refused where it is ahead, with both times, and nothing is written', async () => {
    site = await openAwsSite(server);
    await site.world.run(['rotate']);
    server.lieAboutTime(-HOUR);
    const writes = server.calls('PutSecretValue') + server.calls('CreateSecret');
    const { code, document } = await site.world.json<RotateDocument>(['rotate', '--immediate']);
    expect(code).toBe(5);
    expect(document.error).toMatchObject({
      code: 'clock-ahead',
      exit: 5,
      hint: expect.stringMatching(/--accept-clock$/),
    });
    expect(document.error!.message).toMatch(
      /^this clock \(\S+Z\) is (59m \d+s|1h( \d+s)?) ahead of that of keyset api's store/,
    );
    expect(server.calls('PutSecretValue') + server.calls('CreateSecret')).toBe(writes);
    expect(await states()).toEqual(['active']);
  });

  it('does not hold up an incident, and rotates where the operator vouches for it', async () => {
    site = await openAwsSite(server);
    const { document } = await site.world.json<RotateDocument>(['rotate']);
    server.lieAboutTime(-HOUR);
    const leaked = document.keysets[0]!.active!;
    const retired = await site.world.json<RotateDocument>(['retire', '--kid', leaked, '--yes', '--deadline', '10s']);
    expect({ code: retired.code, outcome: retired.document.keysets[0]!.outcome }).toEqual({
      code: 0,
      outcome: 'retired',
    });
    expect(await states()).toEqual(['retired', 'active']);
    const vouched = await site.world.json<RotateDocument>(['rotate', '--immediate', '--accept-clock']);
    expect({ code: vouched.code, outcome: vouched.document.keysets[0]!.outcome }).toEqual({
      code: 0,
      outcome: 'rotated',
    });
    expect(await accepts(site, await mint(site))).toBe(true);
  });

  it('is refused where it is behind, and makes no first key', async () => {
    site = await openAwsSite(server);
    server.lieAboutTime(HOUR);
    const { code, document } = await site.world.json<RotateDocument>(['rotate']);
    expect({ code, error: document.error?.code }).toEqual({ code: 5, error: 'clock-behind' });
    server.lieAboutTime(4 * 60_000);
    expect((await site.world.run(['rotate'])).code).toBe(0);
  });
});
