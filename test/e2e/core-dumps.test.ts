import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSite, type Site } from './fixtures.js';
import { COMMAND, until } from './world.js';

const PRELOAD = fileURLToPath(new URL('core-limit.cjs', import.meta.url));
const pem = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' });

let site: Site;
beforeAll(async () => {
  site = await openSite();
  writeFileSync(site.world.path('leaked.pem'), pem, { mode: 0o600 });
  writeFileSync(site.world.path('passphrase'), 'correct horse battery staple', { mode: 0o600 });
});
afterAll(() => site.world.close());

/** `core file size` of a process, soft and hard. */
function coreLimit(pid: number): string {
  return /^Max core file size\s+(\S+\s+\S+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1] ?? '';
}

describe('core dumps are off before a secret is read or made', () => {
  // In this order: each begins where the one before it left off.
  it.each([
    ['the first rotate', ['rotate'], ['generateKeyPair', 'kek', 'createPrivateKey', 'api.jwk']],
    ['another rotate', ['rotate'], ['api.jwk', 'createPrivateKey']],
    ['sync', ['sync'], ['api.jwk', 'createPrivateKey']],
    ['import', ['import', '--pem', 'leaked.pem'], ['leaked.pem', 'createPrivateKey']],
    ['retire', ['retire', '--key', 'leaked.pem', '--yes'], ['leaked.pem', 'createPrivateKey']],
    ['store recover', ['store', 'recover', '--dry-run'], ['api.jwk', 'createPrivateKey']],
    ['store backup', ['store', 'backup', '--with-kek', '--passphrase-file', 'passphrase', 'all.age'], ['kek']],
    ['store restore', ['store', 'restore', '--passphrase-file', 'passphrase', 'all.age'], ['all.age']],
  ])('%s', async (_, args, secrets) => {
    const list = site.world.path('limits');
    rmSync(list, { force: true });
    const ran = await site.world.run(args, { env: { NODE_OPTIONS: `--require ${PRELOAD}`, JWTROT_TEST_LIMITS: list } });
    const seen = existsSync(list) ? readFileSync(list, 'utf8').trimEnd().split('\n') : [];
    expect(seen.filter((line) => !line.endsWith(' 0 0'))).toEqual([]);
    expect([...new Set(seen.map((line) => line.split(' ')[0]))], ran.stderr).toEqual(expect.arrayContaining(secrets));
  });

  it.each([['import --pem -'], ['retire --yes --key -']])('%s, before a byte of its standard input', async (text) => {
    const args = ['--core=4096:4096', process.execPath, COMMAND, ...text.split(' '), '--config', site.world.config];
    const child = spawn('prlimit', args, { env: site.world.env(), stdio: ['pipe', 'ignore', 'ignore'] });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    // Nothing has been written yet; `retire` has a process of its own that works.
    const working = () => {
      const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
      return Number(text.startsWith('retire') ? children.split(' ')[0] || child.pid : child.pid);
    };
    await until(() => /^0\s+0$/.test(coreLimit(working())), 'its core dumps are off');
    child.stdin.end(pem);
    expect(await ended).not.toBe(1);
  });
});
