import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { until, World } from '../e2e/world.js';
import { jwksOf, newKey, type TestKey } from '../keyring/support.js';
import { LANGUAGES, type Program, startProgram } from './programs.js';
import { tokenOf } from './tokens.js';

interface Served {
  text: string;
  status: number;
  age: string | null;
  readonly asked: IncomingHttpHeaders[];
}

describe.each(LANGUAGES)('%s, a verifier that reads a URL', (language) => {
  const world = new World();
  const served: Served = { text: '', status: 200, age: null, asked: [] };
  const server = createServer((request, response) => {
    served.asked.push(request.headers);
    const age = served.age === null ? {} : { age: served.age };
    response.writeHead(served.status, age).end(served.text);
  });
  let verifier: Program;
  let key: TestKey;

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
    key = await newKey();
    served.text = jwksOf(key);
    verifier = await startProgram(language, 'verifier', world.path('verifier'), [
      ['"/srv/jwks/jwks.json"', `"${url}"`],
    ]);
    return async () => {
      await verifier.end();
      server.close();
      await world.close();
    };
  });

  const kids = async () => (await verifier.get('/healthz')).body.kids;
  /** Nothing else makes it ask within a minute. */
  const signalled = async (fact: () => boolean | Promise<boolean>) => {
    const before = served.asked.length;
    process.kill(verifier.pid, 'SIGHUP');
    await until(() => served.asked.length === before + 1, 'it asked');
    await until(fact, `what should follow, after ${verifier.said()}`);
  };
  const hasSaid = (text: string) => verifier.said().includes(text);

  it('asks no cache', async () => {
    await until(async () => (await kids())?.length === 1, 'the first key');
    expect(served.asked.map((headers) => headers['cache-control'])).toEqual(['no-cache']);
    expect((await verifier.get('/check', await tokenOf(key))).status).toBe(200);
  });

  it('fetches nothing for an unknown kid', async () => {
    const token = await tokenOf(await newKey());
    for (let i = 0; i < 20; i += 1) expect((await verifier.get('/check', token)).status).toBe(401);
    expect(served.asked).toHaveLength(1);
  });

  it('takes a new set on SIGHUP', async () => {
    const next = await newKey();
    served.text = jwksOf(key, next);
    await signalled(async () => (await kids())?.length === 2);
    expect((await verifier.get('/check', await tokenOf(next))).status).toBe(200);
  });

  it('keeps it when the answer is older, an error, half or too long', async () => {
    const [text, leaked] = [served.text, jwksOf(await newKey())];
    Object.assign(served, { text: leaked, age: '600' });
    await signalled(() => hasSaid('it comes from a cache'));
    Object.assign(served, { status: 500, age: null });
    await signalled(() => hasSaid('500'));
    Object.assign(served, { status: 200, text: leaked.slice(0, 50) });
    await signalled(() => verifier.said().split("can't be used").length === 4);
    served.text = leaked.padEnd(300_000);
    await signalled(() => hasSaid('too long'));
    expect(await kids()).toHaveLength(2);
    served.text = text;
  });
});

describe.each(LANGUAGES)('%s, a verifier with an answer of a cache', (language) => {
  it.each([
    ['3000', 200],
    ['5000', 503],
    ['99999999999', 503],
    ['-5000', 503],
    ['soon', 503],
  ])('of Age %s answers %i', async (age, status) => {
    const world = new World();
    const key = await newKey();
    let answers = 0;
    const server = createServer((_request, response) => {
      answers += 1;
      response.writeHead(200, { age }).end(jwksOf(key));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
    const verifier = await startProgram(language, 'verifier', world.path('verifier'), [
      ['"/srv/jwks/jwks.json"', `"${url}"`],
    ]);
    try {
      await until(() => answers === 1, 'it asked');
      // When it asks again it has done with the first answer.
      process.kill(verifier.pid, 'SIGHUP');
      await until(() => answers === 2, 'it asked again');
      expect((await verifier.get('/healthz')).status).toBe(status);
    } finally {
      await verifier.end();
      server.close();
      await world.close();
    }
  });
});
