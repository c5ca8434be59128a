import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSite, type RotateDocument, type Site, type StatusDocument } from './fixtures.js';

const AT_ONCE = { unlistedVerifiers: false, jwksMaxAge: '0s', publishAhead: '0s', clockSkew: '0s' };
let site: Site;
let web: Server;
let requests = 0;
/** What the server says of the JWKS with so many keys. */
let cacheControl: (keys: number) => string = () => 'no-cache';

beforeEach(async () => {
  site = await openSite();
  requests = 0;
  cacheControl = () => 'no-cache';
  web = createServer((_, response) => {
    requests += 1;
    const text = readFileSync(site.world.path('public/jwks.json'), 'utf8');
    const { keys } = JSON.parse(text) as { keys: unknown[] };
    response.writeHead(200, { 'Cache-Control': cacheControl(keys.length) }).end(text);
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(web.address() as AddressInfo).port}/jwks.json?token=secret`;
  const publish = [{ file: site.world.path('public/jwks.json'), url }];
  site.world.configure(site.configuration({ ...AT_ONCE, publish }));
});
afterEach(async () => {
  await site.world.close();
  await new Promise((resolve) => web.close(resolve));
});

async function states(): Promise<string[]> {
  const { document } = await site.world.json<StatusDocument>(['status']);
  return document.keysets[0]!.keys.map((key) => key.state);
}

describe('a JWKS that its server lets be cached for longer than jwksMaxAge', () => {
  it('is refused before a key is made, with the numbers and what to do', async () => {
    expect((await site.world.run(['rotate'])).code).toBe(0);
    cacheControl = () => 'public, max-age=86400';
    const { code, document } = await site.world.json<RotateDocument>(['rotate', '--force']);
    expect(code).toBe(5);
    expect(document.error).toMatchObject({
      code: 'jwks-cached-longer',
      exit: 5,
      hint: "raise jwksMaxAge to at least 1d and publishAhead to at least 1d, or lower max-age in the server's Cache-Control",
    });
    expect(document.error!.message).toMatch(
      /^keyset api: verifiers may cache the JWKS from http:\S+\/jwks.json for 1d \(max-age=86400\), and jwksMaxAge is 0s: .*; v1 \S+ signs on$/,
    );
    expect(document.error!.message).not.toContain('secret');
    expect(await states()).toEqual(['active']);
    cacheControl = () => 'no-cache';
    expect((await site.world.run(['rotate', '--force'])).code).toBe(0);
    expect(await states()).toEqual(['deprecated', 'active']);
  });

  it('is refused before the new key signs', async () => {
    expect((await site.world.run(['rotate'])).code).toBe(0);
    cacheControl = (keys) => (keys === 1 ? 'max-age=0' : 's-maxage=60');
    const { code, document } = await site.world.json<RotateDocument>(['rotate', '--force']);
    expect({ code, error: document.error?.code }).toEqual({ code: 5, error: 'jwks-cached-longer' });
    expect(await states()).toEqual(['active', 'pending']);
    expect((await site.world.run(['rotate'])).code).toBe(5);
    cacheControl = () => 'max-age=0';
    expect((await site.world.run(['rotate'])).code).toBe(0);
    expect(await states()).toEqual(['deprecated', 'active']);
  });

  it('is only said of the first key: nobody can have cached a set without it', async () => {
    cacheControl = () => 'max-age=60';
    const { code, stderr } = await site.world.run(['rotate']);
    expect(code).toBe(0);
    expect(stderr).toContain('for 1m (max-age=60), and jwksMaxAge is 0s');
    expect(stderr).toContain('the next rotation is refused: raise jwksMaxAge to at least 1m');
    expect(await states()).toEqual(['active']);
  });

  it('is not in the way of an incident', async () => {
    const { document } = await site.world.json<RotateDocument>(['rotate']);
    cacheControl = () => 'max-age=86400';
    const leaked = document.keysets[0]!.active!;
    expect((await site.world.run(['retire', '--kid', leaked, '--yes', '--deadline', '10s'])).code).toBe(0);
    expect(await states()).toEqual(['retired', 'active']);
  });
});

describe('a JWKS whose server can be asked', () => {
  it('is not asked where nothing is due', async () => {
    await site.world.run(['rotate']);
    cacheControl = () => 'max-age=86400';
    requests = 0;
    expect((await site.world.run(['rotate'])).stdout).toContain('nothing due');
    expect(requests).toBe(0);
  });
});
