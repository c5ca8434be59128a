import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { thumbprintOf } from '../../src/keys/thumbprint.js';
import type { Owner } from '../../src/keyset/manifest/model.js';
import { createLinuxHost } from '../../src/outside/linux-host.js';
import { startTimeOf } from '../../src/outside/processes.js';
import { createDirectoryStore } from '../../src/store/directory.js';
import { realClock } from '../services/services.js';
import { openSite, type RotateDocument, type Site } from './fixtures.js';
import { COMMAND, until } from './world.js';

let site: Site;
let stranger: ChildProcess;
beforeEach(async () => {
  site = await openSite();
  stranger = spawn('sleep', ['600']);
  await new Promise((resolve) => stranger.once('spawn', resolve));
});
afterEach(async () => {
  stranger.kill('SIGKILL');
  await site.world.close();
});

/** Whoever may write the manifest may write a lease that names any process of this host. */
async function forgeLease(owner: Owner): Promise<void> {
  const path = site.world.path('store');
  const store = createDirectoryStore({ path, clock: realClock, uid: process.getuid?.() ?? -1, thumbprintOf });
  const snapshot = await store.readManifest('api');
  if (snapshot === null) throw new Error('there is no manifest');
  const { manifest } = snapshot;
  const at = Date.now();
  const lease = { id: 'forged', owner, verb: 'rotate', since: at, until: at + 3_600_000 };
  const commits = [...manifest.commits, { id: 'forgery', at }];
  await store.commitManifest({ ...manifest, revision: manifest.revision + 1, lease, commits }, snapshot);
}

describe("a lease that names a run of another keyset's store", () => {
  it('has retire take it over and leave that run alone', { timeout: 60_000 }, async () => {
    const { document } = await site.world.json<RotateDocument>(['rotate']);
    const kid = document.keysets[0]!.active!;
    // By the same program and user, in the same state directory; its gateway does not answer.
    const elsewhere = site.world.path('elsewhere.yaml');
    const { keysets, ...rest } = site.configuration({
      publish: [{ file: `${site.world.folderFor('elsewhere')}/jwks.json` }],
      deliver: [],
      services: [
        { name: 'silent', role: 'verifier', reload: 'none', health: { url: 'http://127.0.0.1:9/', deadline: '50s' } },
      ],
    }) as { keysets: Record<string, object> };
    const store = { type: 'directory', path: site.world.path('store-2') };
    writeFileSync(elsewhere, stringify({ ...rest, store, keysets: { web: keysets['api'] } }), { mode: 0o600 });
    const run = spawn(process.execPath, [COMMAND, 'rotate', '--config', elsewhere], { env: site.world.env() });
    const ended = new Promise((resolve) => run.once('exit', resolve));
    await until(() => existsSync(site.world.path('elsewhere/jwks.json')), 'it works on its own keyset');
    const { pid = 0 } = run;
    await forgeLease({ ...createLinuxHost('', '').self, pid, startTime: startTimeOf(pid) ?? '' });

    const { code, stderr } = await site.world.run(['retire', '--kid', kid, '--yes']);
    expect(code).toBe(0);
    expect(stderr).toContain('was left alone: it does not work on this keyset in this store; the lease is taken over');
    expect(run.exitCode ?? run.signalCode).toBeNull();
    run.kill('SIGKILL');
    await ended;
  });
});

describe('a lease that is no forgery', () => {
  it('has retire end the run that holds it', { timeout: 60_000 }, async () => {
    const { document } = await site.world.json<RotateDocument>(['rotate']);
    const kid = document.keysets[0]!.active!;
    await site.gateway.stop();
    // It must not have given the gateway up by the time that `retire` is there.
    const { services } = (site.configuration() as { keysets: { api: { services: { health: object }[] } } }).keysets.api;
    const patient = services.map((one) => ({ ...one, health: { ...one.health, deadline: '30s' } }));
    site.world.configure(site.configuration({ services: patient }));
    const published = () => site.world.readJson('public/jwks.json').keys.length;
    const run = site.world.start(['rotate', '--force', '--immediate']);
    await until(() => published() === 2, 'it waits for the gateway');
    const { code, stderr } = await site.world.run(['retire', '--kid', kid, '--yes', '--deadline', '1s']);
    expect(code).toBe(4);
    expect(stderr).toContain(`ended rotate (pid ${run.child.pid} on `);
    expect((await run.ended).code).toBe(143);
  });
});

describe('a lease that names a process that is not jwtrot', () => {
  it('has retire take it over and leave the process alone', async () => {
    const { document } = await site.world.json<RotateDocument>(['rotate']);
    const kid = document.keysets[0]!.active!;
    const { pid } = stranger;
    if (pid === undefined) throw new Error('it has no pid');
    const startTime = startTimeOf(pid) ?? '';
    await forgeLease({ ...createLinuxHost('', '').self, pid, startTime });

    const { code, stderr } = await site.world.run(['retire', '--kid', kid, '--yes']);
    expect(code).toBe(0);
    expect(stderr).toMatch(`api: rotate (pid ${pid} on `);
    expect(stderr).toContain(
      'held the lease and was left alone: it runs another program; the lease is taken over all the same',
    );
    expect([stranger.exitCode, stranger.signalCode, startTimeOf(pid)]).toEqual([null, null, startTime]);
    expect(site.world.readJson('public/jwks.json').keys.map((key) => key.kid)).not.toContain(kid);
  });
});
