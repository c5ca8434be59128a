import { rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type JwkSet, jwkSetText, type OutletContent } from '../../src/keyset/published/jwk-set.js';
import { maxAgeOf, servedMaxAge } from '../../src/outlets/max-age.js';
import { newPair } from '../support/manifest.js';
import { contentOf, diskFolder, portOf, toFile, write } from './support.js';

let former: OutletContent;
let content: OutletContent;
beforeAll(async () => {
  const [one, two, three] = [await newPair(), await newPair(), await newPair()];
  former = { ...contentOf(1, [one, three]), knownKids: contentOf(1, [one, two, three]).knownKids };
  content = { ...contentOf(2, [one, two]), knownKids: former.knownKids };
});

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  }
});

/** Answers the nth request with the nth of `answers`, from then on with the last. */
async function serving(
  ...answers: (string | ((response: ServerResponse) => void))[]
): Promise<{ url: string; asked: () => number }> {
  let asked = 0;
  const server = createServer((_request, response) => {
    const answer = answers[Math.min(asked++, answers.length - 1)] ?? '';
    if (typeof answer === 'string') response.end(answer);
    else answer(response);
  });
  servers.push(server);
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json?token=hush`, asked: () => asked };
}

async function readBack(url: string | null, deadline = 400, signal = new AbortController().signal) {
  const path = join(diskFolder(), 'jwks.json');
  const port = portOf({ publish: [toFile(path, { url })] });
  await write(port, content);
  return (await port.readBack(content, deadline, signal)).map(({ reason }) => reason.replace(/^http:\S+ /, ''));
}

describe('reading back', () => {
  it('finds a file as it was written', async () => {
    expect(await readBack(null)).toEqual([]);
  });

  it('says at once what a file lacks', async () => {
    const path = join(diskFolder(), 'jwks.json');
    const port = portOf({ publish: [toFile(path)] });
    const signal = new AbortController().signal;
    await write(port, former);
    const started = performance.now();
    expect(await port.readBack(content, 60_000, signal)).toEqual([
      { outlet: path, reason: 'it does not hold what was written' },
    ]);
    rmSync(path);
    expect(await port.readBack(content, 60_000, signal)).toEqual([{ outlet: path, reason: 'it holds nothing' }]);
    writeFileSync(path, jwkSetText(content.jwks).slice(0, -1));
    expect(await port.readBack(content, 60_000, signal)).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('waits until a server that was slow to see it serves it, in any order and layout', async () => {
    const reversed = JSON.stringify({ keys: [...content.jwks.keys].reverse() });
    const { url, asked } = await serving(
      jwkSetText(former.jwks),
      (response) => response.writeHead(503).end(),
      reversed,
    );
    expect(await readBack(url, 10_000)).toEqual([]);
    expect(asked()).toBe(3);
  });

  it('of one that is right at once asks once', async () => {
    const { url, asked } = await serving(jwkSetText(content.jwks));
    expect(await readBack(url)).toEqual([]);
    expect(asked()).toBe(1);
  });

  it('tells what was served when the deadline passed, without the query of the URL', async () => {
    const path = join(diskFolder(), 'jwks.json');
    const { url } = await serving(jwkSetText(former.jwks));
    const port = portOf({ publish: [toFile(path, { url })] });
    await write(port, content);
    const [unread] = await port.readBack(content, 300, new AbortController().signal);
    expect(unread?.outlet).toBe(path);
    expect(unread?.reason).toBe(
      `${url.replace('?token=hush', '')}: it does not serve ${content.jwks.keys[1]?.kid} yet`,
    );
  });

  it('tells once of a wait, and of what a web server needs to read the file', async () => {
    const { url } = await serving((response) => response.writeHead(403).end());
    const port = portOf({ publish: [toFile(join(diskFolder(), 'jwks.json'), { url })] });
    await write(port, content);
    const told: string[] = [];
    const [unread] = await port.readBack(content, 4_000, new AbortController().signal, (text) => told.push(text));
    const reason = 'HTTP 403 (may the web server read the file, and pass through its directory?)';
    const shown = url.replace('?token=hush', '');
    expect(told).toEqual([`reading ${shown} back: ${reason}, for up to 4s`]);
    expect(unread?.reason).toBe(`${shown}: ${reason}`);
  });

  it('takes no other key under a kid, no key too many and none twice', async () => {
    const [one, two] = content.jwks.keys;
    const stranger = former.jwks.keys[1];
    const sets: [JwkSet | object, RegExp][] = [
      [{ keys: [one, { ...stranger, kid: two?.kid }] }, /another key under/],
      [{ keys: [one, two, stranger] }, /still serves/],
      [{ keys: [one, two, two] }, /twice/],
      [{ keys: [one] }, /does not serve/],
      [{ keys: [] }, /does not serve/],
      [{ keys: [one, { ...two, d: 'AQAB' }] }, /private key/],
      [{ keys: [one, two, { kty: 'oct', k: 'AQAB' }] }, /private key/],
      [{ error: 'x' }, /no JWK Set/],
    ];
    for (const [set, reason] of sets) {
      const { url } = await serving(JSON.stringify(set));
      expect(await readBack(url, 1)).toEqual([expect.stringMatching(reason)]);
    }
  });

  it('is not fooled by a page, half a set, a redirect, an endless body or nobody there', async () => {
    const whole = jwkSetText(content.jwks);
    const answers: [Parameters<typeof serving>[0], RegExp][] = [
      ['<html>\u001b[31m', /no JWK Set: "<html>\\u001b/],
      [whole.slice(0, -20), /no JWK Set/],
      [(response) => response.writeHead(302, { location: '/other' }).end(), /redirect/],
      [(response) => response.end(whole + ' '.repeat(2 * 1024 * 1024)), /longer than 1024 KiB/],
    ];
    for (const [answer, reason] of answers) {
      const { url } = await serving(answer);
      expect(await readBack(url, 1)).toEqual([expect.stringMatching(reason)]);
    }
    const { url } = await serving('');
    servers.pop()?.close();
    expect(await readBack(url, 1)).toHaveLength(1);
  });

  it('ends when it is interrupted', async () => {
    const { url } = await serving(jwkSetText(former.jwks));
    const started = performance.now();
    expect(await readBack(url, 60_000, AbortSignal.timeout(300))).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('takes an empty set only where it was asked for', async () => {
    const empty = { ...contentOf(2, []), knownKids: former.knownKids, allowEmpty: true };
    const path = join(diskFolder(), 'jwks.json');
    const { url } = await serving('{"keys":[]}');
    const port = portOf({ publish: [toFile(path, { url })] });
    await write(port, empty);
    expect(await port.readBack(empty, 1, new AbortController().signal)).toEqual([]);
    expect(await port.readBack(content, 1, new AbortController().signal)).toHaveLength(1);
  });
});

describe('how long a JWKS may be cached', () => {
  it.each([
    ['max-age=3600', 3_600_000],
    ['public, Max-Age="60", must-revalidate', 60_000],
    ['no-cache', 0],
    ['no-store, max-age=60', 0],
    ['NO-CACHE,max-age=60', 0],
    ['no-cache="Set-Cookie, Expires", max-age=60', 60_000],
    ['private="x, no-store", max-age=60', 60_000],
    ['s-maxage=60', 60_000],
    ['max-age=60, s-maxage=3600', 3_600_000],
    ['max-age=3600, s-maxage="60"', 3_600_000],
    ['private, max-age=60, s-maxage=3600', 60_000],
    ['max-age=60, max-age=3600', 3_600_000],
    ['max-age = 60', 60_000],
    ['x-max-age=9, max-age-x=9', null],
    ['extension="max-age=9", max-age=60', 60_000],
    ['max-age=x', null],
    ['max-age=-1', null],
    ['max-age=1.5', null],
    ['max-age', null],
    ['max-age=99999999999999999999', 2 ** 31 * 1_000],
    ['', null],
    [',,=;"', null],
    [null, null],
  ])('%s', (header, expected) => {
    expect(maxAgeOf(header)).toBe(expected);
  });

  it('is asked of the server', async () => {
    const { url } = await serving((response) => response.writeHead(200, { 'cache-control': 'max-age=120' }).end('{}'));
    expect(await servedMaxAge(url, 2_000, new AbortController().signal)).toBe(120_000);
    const silent = await serving((response) => response.writeHead(500, { 'cache-control': 'max-age=120' }).end());
    expect(await servedMaxAge(silent.url, 2_000, new AbortController().signal)).toBeNull();
  });
});
