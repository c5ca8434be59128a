import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestOnce } from '../../src/outside/http.js';
import { readTarget } from '../../src/outside/http-target.js';
import { isLinkLocal, lookupElsewhere } from '../../src/outside/link-local.js';

describe('a link-local or metadata address', () => {
  it.each([
    '169.254.169.254',
    '169.254.0.1',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
    'fd00:ec2::254',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '100.100.100.200',
  ])('is %s', (address) => {
    expect(isLinkLocal(address)).toBe(true);
  });

  it.each(['127.0.0.1', '10.0.0.1', '169.253.255.255', '::1', 'fec0::1', 'fd00:ec2::253', 'id.example', ''])(
    'is not %s',
    (address) => {
      expect(isLinkLocal(address)).toBe(false);
    },
  );

  it.each([
    'http://2852039166/',
    'http://0251.0376.0251.0376/',
    'http://0xa9fea9fe/',
    'http://[::ffff:169.254.169.254]/',
  ])('is seen however it is written: %s', (url) => {
    const at = readTarget(url)?.at;
    expect(at !== undefined && 'host' in at && isLinkLocal(at.host)).toBe(true);
  });

  it('leaves other names as they resolve', async () => {
    const found = await new Promise((done) => lookupElsewhere('localhost', { all: true }, (...all) => done(all)));
    expect(found).toEqual([null, expect.arrayContaining([expect.objectContaining({ address: expect.any(String) })])]);
  });
});

describe('a request with a secret to an instance that was found', () => {
  let folder: string;
  let server: Server;
  let url: string;
  let asked = 0;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'jwtrot-near-'));
    writeFileSync(join(folder, 'token'), 'secret', { mode: 0o600 });
    server = createServer((_, answer) => {
      asked += 1;
      answer.end('{}');
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    url = `http://localhost:${(server.address() as AddressInfo).port}/`;
  });
  afterAll(() => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const ask = (to: string, isFound: boolean, secret: boolean) =>
    requestOnce({
      url: to,
      method: 'GET',
      headers: secret ? { authorization: { file: join(folder, 'token') } } : {},
      isFound,
      timeout: 1_000,
      signal: new AbortController().signal,
    });

  it('is not sent to one, and says why at once', async () => {
    const answer = await ask('http://169.254.169.254/latest/meta-data', true, true);
    expect(answer).toMatchObject({ ok: false, reason: expect.stringContaining('no secret goes there') });
  });

  it('is sent to none as a token to present either', async () => {
    const canary = { bearer: 'a.b.c', isFound: true, method: 'GET', timeout: 1_000 } as const;
    const { signal } = new AbortController();
    const refused = { ok: false, reason: expect.stringContaining('no secret goes there') };
    expect(await requestOnce({ ...canary, url: 'http://169.254.169.254/', signal })).toMatchObject(refused);
    expect(await requestOnce({ ...canary, url: 'http://[fe80::1]/', signal })).toMatchObject(refused);
    expect(await requestOnce({ ...canary, url, signal })).toMatchObject({ ok: true });
    asked = 0;
  });

  it('is sent elsewhere, by name too', async () => {
    expect(await ask(url, true, true)).toMatchObject({ ok: true });
    expect(await ask(url, false, true)).toMatchObject({ ok: true });
    expect(asked).toBe(2);
  });

  it('is no secret without a header from a file: then the address is nobody’s business', async () => {
    const answer = await ask('http://169.254.169.254:9/', true, false);
    expect(answer).toMatchObject({ ok: false });
    expect((answer as { reason: string }).reason).not.toContain('no secret');
  });
});
