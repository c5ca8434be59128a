import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { thumbprintOf } from '../../src/keys/thumbprint.js';
import { createDirectoryStore } from '../../src/store/directory.js';
import { realClock } from '../services/services.js';
import { openSite, type RotateDocument, type Site } from './fixtures.js';
import { COMMAND, type Ran } from './world.js';

/** Clears the screen, colours, sets a title, forges a line, turns the reading direction, hides, ends half a character. */
const EVIL =
  'evil\u001b[2J\u001b[31m\u001b]0;owned\u0007\u009b2J\njwtrot: forged\r\njwtrot: forged\u202e\u061c\u200f\u2066\u2028\u2029\u00ad\u{e0041}\ufeff\ud800';
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

let site: Site;
let web: Server;
let kid: string;

beforeAll(async () => {
  site = await openSite();
  web = createServer((_, response) => response.end(JSON.stringify({ kid: EVIL, kids: [EVIL, kid] })));
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  const { code, document } = await site.world.json<RotateDocument>(['rotate']);
  expect(code).toBe(0);
  kid = document.keysets[0]!.active!;
  const { port } = web.address() as AddressInfo;
  const health = { url: `http://127.0.0.1:${port}/`, deadline: '1s', timeout: '500ms' };
  const services = [{ name: 'gateway', role: 'both', reload: 'none', health }];
  site.world.configure(site.configuration({ services }));
});
afterAll(async () => {
  await site.world.close();
  await new Promise((resolve) => web.close(resolve));
});

/** Nothing raw from outside, and no line of its own. A terminal's own colours and moves are taken out before. */
function expectHarmless(text: string, what: string): void {
  const lines = text.split('\n');
  for (const line of lines) expect({ what, line, raw: UNPRINTABLE.test(line) }).toEqual({ what, line, raw: false });
  expect({ what, forged: lines.filter((line) => line.startsWith('jwtrot: forged')) }).toEqual({ what, forged: [] });
}

/** What a terminal of 80 columns gets. */
async function onTerminal(args: readonly string[]): Promise<string> {
  const quoted = [process.execPath, COMMAND, ...args, '--config', site.world.config]
    .map((word) => `'${word}'`)
    .join(' ');
  const { execFile } = await import('node:child_process');
  const env = { ...site.world.env(), TERM: 'xterm', SHELL: '/bin/sh' };
  return new Promise((resolve) => {
    execFile('script', ['-qefc', quoted, '/dev/null'], { env, timeout: 20_000 }, (_, stdout) => resolve(stdout));
  });
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const OWN = /\u001b\[(?:\d+A|0J|1m|2m|22m|31m|32m|33m|36m|39m)/g;

describe('text from outside', () => {
  it('as a kid that is imported is printed escaped', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const path = site.world.path('evil.jwk');
    writeFileSync(path, JSON.stringify({ ...publicKey.export({ format: 'jwk' }), kid: EVIL }));
    const { code, stdout, stderr } = await site.world.run(['import', '--public', path]);
    expect(code).toBe(0);
    expectHarmless(stdout + stderr, 'import');
    expect(stdout).toContain(
      'api: imported v2 evil\\u001b[2J\\u001b[31m\\u001b]0;owned\\u0007\\u009b2J\\njwtrot: forged\\r\\n',
    );
    expect(stdout).toContain('\\u202e\\u061c\\u200f\\u2066\\u2028\\u2029\\u00ad\\udb40\\udc41\\ufeff\\ud800 (ES256)');
  });

  it('in a manifest (lease, events, back-off) is escaped by every verb, in a pipe, as JSON and on a terminal', async () => {
    const path = site.world.path('store');
    const store = createDirectoryStore({ path, clock: realClock, uid: process.getuid?.() ?? -1, thumbprintOf });
    const snapshot = await store.readManifest('api');
    if (snapshot === null) throw new Error('there is no manifest');
    const { manifest } = snapshot;
    const at = Date.now();
    const owner = { host: 'elsewhere', hostname: EVIL, bootId: EVIL, pidNamespace: EVIL, pid: 4711, startTime: EVIL };
    const forged = {
      ...manifest,
      revision: manifest.revision + 1,
      commits: [...manifest.commits, { id: EVIL, at }],
      lease: { id: EVIL, owner, verb: EVIL, since: at, until: at + 3_600_000 },
      backoff: { failures: 3, until: at + 3_600_000, because: EVIL },
      events: [...manifest.events, { at, type: EVIL, kid: EVIL, detail: EVIL }],
    };
    await store.commitManifest(forged, snapshot);

    const verbs: string[][] = [
      ['status'],
      ['status', '--check'],
      ['status', '--probe'],
      ['jwks'],
      ['jwks', '--pem'],
      ['rotate', '--dry-run'],
      ['rotate', '--dry-run', '--force'],
      ['rotate'],
      ['sync'],
      ['rollback', '--yes'],
      ['import', '--public', site.world.path('evil.jwk')],
      ['retire', '--kid', 'evil\u001b[2J', '--deadline', '1s'],
      ['retire', '--kid', EVIL.slice(0, -1), '--deadline', '1s'],
      ['rotate', '--kidd', EVIL.slice(0, -1)],
      [EVIL.slice(0, -1)],
      ['setup', 'systemd', '--dry-run'],
    ];
    for (const args of verbs) {
      const what = args.join(' ').slice(0, 30);
      const [lines, document] = await Promise.all([
        site.world.run(args),
        site.world.run([...args, '--json', '--debug']),
      ]);
      for (const { stdout, stderr } of [lines, document]) {
        expect(stderr).not.toContain('unforeseen');
        expectHarmless(stdout + stderr, what);
      }
      if (document.stdout !== '') JSON.parse(document.stdout);
    }
    for (const args of [['status'], ['status', '--probe'], ['rotate'], ['rotate', '--dry-run']]) {
      const shown = await onTerminal(args);
      expect(shown.length).toBeGreaterThan(100);
      expectHarmless(shown.replaceAll('\r\n', '\n').replace(OWN, ''), `${args.join(' ')} on a terminal`);
    }
  }, 120_000);

  it('is the true kid for programs: the JSON of status and jwks says it to the letter', async () => {
    const { document } = await site.world.json<{ keysets: { keys: { kid: string }[] }[] }>(['status']);
    expect(document.keysets[0]!.keys.map((key) => key.kid)).toContain(EVIL);
    const { keys } = JSON.parse((await site.world.run(['jwks'])).stdout) as { keys: { kid: string }[] };
    expect(keys.map((key) => key.kid)).toContain(EVIL);
  });

  it('as the secret of a key or what an answer holds is quoted', async () => {
    const folder = site.world.path('store/api/keys');
    const [secret = ''] = readdirSync(folder);
    for (const text of [EVIL, JSON.stringify({ schema: 1, [EVIL]: EVIL })]) {
      writeFileSync(join(folder, secret), text);
      writeFileSync(site.world.path('private/api.jwk'), text);
      const ran: Ran[] = [
        await site.world.run(['sync']),
        await site.world.run(['retire', '--kid', kid, '--yes', '--deadline', '1s']),
      ];
      for (const { stdout, stderr } of ran) {
        expect(stderr).not.toContain('unforeseen');
        expectHarmless(stdout + stderr, 'a damaged secret');
      }
    }
  }, 120_000);
});
