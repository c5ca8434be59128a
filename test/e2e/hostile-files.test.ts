import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { RotateDocument, Site } from './fixtures.js';
import { kidOf } from './look.js';
import { runAll, scene } from './scene.js';
import type { Ran } from './world.js';

/** A run that takes longer hangs: the time limits of services here are 3 s. */
const HANGS = 20_000;

let site: Site;
let kid: string;
const rotated = scene((made) => runAll(made, 'rotate'));
beforeEach(async () => {
  site = await rotated();
  kid = await kidOf(site, 1);
});

const THINGS: Record<string, (path: string) => void> = {
  FIFO: (path) => execFileSync('mkfifo', ['-m', '600', path]),
  directory: (path) => mkdirSync(path, { mode: 0o700 }),
  // Endless to whoever reads it. Where no link is followed, it is refused as one.
  device: (path) => symlinkSync('/dev/zero', path),
};
const things = Object.keys(THINGS);

/** Puts one of them in the place of a file. */
function put(thing: string, path: string): void {
  rmSync(path, { recursive: true, force: true });
  THINGS[thing]?.(path);
}

async function run(...args: string[]): Promise<Ran> {
  const running = site.world.start(args);
  const timer = setTimeout(() => running.child.kill('SIGKILL'), HANGS);
  const ran = await running.ended;
  clearTimeout(timer);
  if (ran.signal === 'SIGKILL') throw new Error(`${args[0]} hangs:\n${ran.stderr}`);
  return ran;
}

const VERBS = (): string[][] => [
  ['status'],
  ['jwks'],
  ['sync'],
  ['rotate'],
  ['rotate', '--dry-run'],
  ['retire', '--kid', kid, '--yes', '--deadline', '1s'],
  ['rollback', '--yes'],
  ['import', '--jwk', site.world.path('private/api.jwk')],
];

/** Every verb on what stands there now, all at once: none may be able to do anything. */
async function all(): Promise<{ verb: string; code: number | null; stderr: string }[]> {
  return Promise.all(
    VERBS().map(async (args) => {
      const { code, stderr } = await run(...args);
      return { verb: args.join(' '), code, stderr };
    }),
  );
}

describe.each(things)('a %s', (thing) => {
  const what =
    thing === 'directory' ? /it is a directory/ : thing === 'FIFO' ? /it is a FIFO/ : /it is a (device|symbolic)/;

  it('as configuration, newest revision or key file ends every verb at once, and is named', async () => {
    const revision = site.world.path('store/api/manifest/0000000099.json');
    put(thing, revision);
    for (const { verb, code, stderr } of await all()) {
      // An incident takes the key out of the outlets all the same.
      expect({ verb, code }).toEqual({ verb, code: verb.startsWith('retire') ? 4 : 5 });
      expect(stderr).toMatch(/0000000099\.json is damaged: it is a /);
      expect(stderr).toMatch(what);
    }
    rmSync(revision, { recursive: true });

    const path = site.world.path('leak');
    put(thing, path);
    const asked = [
      ['retire', '--key', path, '--yes'],
      ['import', '--pem', path],
      ['import', '--public', path],
    ];
    for (const { code, stderr } of await Promise.all(asked.map((args) => run(...args)))) {
      expect(code).toBe(2);
      expect(stderr).toContain(`jwtrot: "${path}" can't be read: it is a `);
      expect(stderr).toContain('; nothing was changed');
    }

    put(thing, site.world.config);
    for (const { verb, code, stderr } of await all()) {
      expect({ verb, code }).toEqual({ verb, code: 2 });
      expect(stderr).toMatch(/^jwtrot: configuration \S+ can't be read: it is a /);
      expect(stderr).toMatch(what);
    }
  });
});

describe('a FIFO', () => {
  it('as KEK or as the secret of a key is named, and a retire does without it', async () => {
    const kek = readFileSync(site.world.path('kek'));
    put('FIFO', site.world.path('kek'));
    expect(await redelivered()).toContain('kek-unsafe');
    rmSync(site.world.path('kek'));
    writeFileSync(site.world.path('kek'), kek, { mode: 0o600 });

    const folder = site.world.path('store/api/keys');
    put('FIFO', join(folder, readdirSync(folder)[0] ?? ''));
    expect(await redelivered()).toContain('key-damaged');
    expect(await unpublished()).toBe(true);
  });

  /** What a run says that has to deliver the key again. */
  async function redelivered(): Promise<(string | undefined)[]> {
    rmSync(site.world.path('private/api.jwk'), { force: true });
    const { code, document } = await site.world.json<RotateDocument>(['rotate']);
    expect(code).not.toBe(1);
    return [document.error?.code, ...document.keysets.flatMap((one) => one.problems.map((two) => two.code))];
  }

  async function unpublished(): Promise<boolean> {
    const { code } = await run('retire', '--kid', kid, '--yes', '--deadline', '1s', '--no-replacement');
    expect(code).not.toBe(1);
    return !site.world.readJson('public/jwks.json').keys.some((key) => key.kid === kid);
  }

  it('as pid file is a reason, and a retire unpublishes all the same', async () => {
    put('FIFO', site.gateway.pidFile);
    const { code, stderr } = await run('retire', '--kid', kid, '--yes', '--deadline', '2s');
    expect(code).toBe(4);
    expect(stderr).toMatch(/gateway\S*: .*pid file \S+: it is a FIFO/);
    expect(site.world.readJson('public/jwks.json').keys.map((key) => key.kid)).not.toContain(kid);
  });

  it('where a header or TLS comes from is a reason, and SIGTERM ends the wait at once', async () => {
    const path = site.world.path('token');
    put('FIFO', path);
    const { keysets } = site.configuration() as { keysets: { api: { services: { health: object }[] } } };
    const services = keysets.api.services.map((service, i) => {
      const more = i === 0 ? { headers: { Authorization: { file: path } } } : { tls: { ca: path } };
      const url = `${i === 0 ? 'http' : 'https'}://127.0.0.1:1/healthz`;
      return { ...service, health: { ...service.health, ...more, url, deadline: '60s' } };
    });
    site.world.configure(site.configuration({ services }));
    const { code: probe, stdout } = await run('status', '--probe');
    expect(probe).not.toBe(1);
    expect(stdout).toContain(`header "Authorization": cannot read "${path}": it is a FIFO`);
    expect(stdout).toContain(`tls.ca: cannot read "${path}": it is a FIFO`);

    const running = site.world.start(['rotate', '--immediate']);
    await new Promise<void>((resolve) => {
      running.child.stderr?.on('data', (chunk) => String(chunk).includes('reloading') && setTimeout(resolve, 500));
    });
    const asked = Date.now();
    running.child.kill('SIGTERM');
    const { code } = await running.ended;
    expect(code).toBe(143);
    expect(Date.now() - asked).toBeLessThan(3_000);
  });

  it('as outlet, delivered key or record beside it is named or made anew', async () => {
    for (const name of ['public/jwks.json', 'private/api.jwk', 'public/.jwks.json.jwtrot', 'private/.api.jwk.jwtrot']) {
      put('FIFO', site.world.path(name));
      for (const { code, stderr } of [await run('sync'), await run('status')]) {
        expect({ name, code, stderr }).not.toMatchObject({ code: 1 });
      }
    }
    expect(await unpublishedOrNamed()).toBe(true);
  });

  /** An outlet whose record is no file is left as it is, and said. */
  async function unpublishedOrNamed(): Promise<boolean> {
    const { code, stderr } = await run('retire', '--kid', kid, '--yes', '--deadline', '1s');
    return [0, 4, 5].includes(code ?? -1) && (code === 0 || stderr.includes('jwks.json'));
  }
});
