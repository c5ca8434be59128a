// What the keyring costs: beside jose with a key in hand, in a reload under load, under a flood of unknown kids, and to
// import. `node bench/keyring.js` prints the figures as JSON; with `counts`, only those that no other process changes.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { exportJWK, generateKeyPair, importJWK, jwtVerify, SignJWT } from 'jose';

const BUNDLE = fileURLToPath(new URL('../dist/index.cjs', import.meta.url));
const ANY = { issuer: null, audience: null, type: null };
const PER_ROUND = 100;
const ROUNDS = 60;

const folder = mkdtempSync(join(tmpdir(), 'jwtrot-bench-'));
function put(name, value) {
  writeFileSync(join(folder, `${name}.new`), JSON.stringify(value), { mode: 0o600 });
  renameSync(join(folder, `${name}.new`), join(folder, name));
  return join(folder, name);
}

async function newKey(alg, kid) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const named = { kid, alg, use: 'sig' };
  return {
    public: { ...(await exportJWK(publicKey)), ...named },
    private: { ...(await exportJWK(privateKey)), ...named },
  };
}

/** The quickest of many rounds, in turn: what else this machine does only ever adds time. Milliseconds. */
async function quickest(works) {
  const best = works.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < ROUNDS; round++) {
    for (const i of round % 2 === 0 ? works.keys() : [...works.keys()].reverse()) {
      const began = performance.now();
      for (let n = 0; n < PER_ROUND; n++) await works[i]();
      best[i] = Math.min(best[i], performance.now() - began);
    }
  }
  return best;
}

/** @returns how many times as long as bare jose */
async function besideJose(openKeyring, alg) {
  const key = await newKey(alg, 'k1');
  const files = { jwks: put('jwks.json', { keys: [key.public] }), key: put('key.jwk', key.private) };
  const keyring = await openKeyring({ keyset: 'api', role: 'both', maxTokenTtl: '1h', from: { files } });
  const [signing, checking] = [await importJWK(key.private, alg), await importJWK(key.public, alg)];
  const claims = { sub: 'u1', scope: 'read write' };
  const header = { alg, kid: 'k1', typ: 'at+jwt' };
  const asked = { issuer: 'https://id.example', audience: 'api', type: 'at+jwt' };
  const token = await keyring.sign(claims, { ...asked, expiresIn: '15m' });
  const { type: typ, ...rest } = asked;
  const bare = [
    () =>
      new SignJWT(claims)
        .setProtectedHeader(header)
        .setIssuer(asked.issuer)
        .setAudience(asked.audience)
        .setIssuedAt()
        .setExpirationTime('15m')
        .sign(signing),
    () => jwtVerify(token, checking, { ...rest, typ, algorithms: [alg], requiredClaims: ['exp'], clockTolerance: 60 }),
  ];
  const ours = [() => keyring.sign(claims, { ...asked, expiresIn: '15m' }), () => keyring.verify(token, asked)];
  const [bareSign, sign] = await quickest([bare[0], ours[0]]);
  const [bareVerify, verify] = await quickest([bare[1], ours[1]]);
  await keyring.close();
  return { sign: sign / bareSign, verify: verify / bareVerify };
}

/**
 * A set of ten keys is read again, each time with a new one and another signing key. `active`: for how long the event loop
 * is busy with that in all, so no request waits longer. `added`: the longest that a request took meanwhile, which other
 * processes on this machine add to.
 */
async function reloadUnderLoad(openKeyring) {
  const keys = await Promise.all(Array.from({ length: 50 }, (_, i) => newKey('RS256', `k${i}`)));
  const at = (i) => keys.slice(i, i + 10);
  const write = (i) => {
    put('key.jwk', at(i)[0].private);
    put('jwks.json', { keys: at(i).map((key) => key.public) });
  };
  write(0);
  const files = { jwks: join(folder, 'jwks.json'), key: join(folder, 'key.jwk') };
  const options = { keyset: 'api', role: 'both', maxTokenTtl: '1h', reloadOn: [], from: { files } };
  const keyring = await openKeyring(options);
  const token = await keyring.sign({}, { expiresIn: '15m' });
  const verifying = async (count) => {
    let longest = 0;
    for (let n = 0; n < count; n++) {
      const began = performance.now();
      await keyring.verify(token, ANY).catch(() => undefined);
      longest = Math.max(longest, performance.now() - began);
      await new Promise(setImmediate);
    }
    return longest;
  };
  await verifying(500);
  const quiet = [];
  const loaded = [];
  const active = [];
  for (let i = 1; i <= 20; i++) {
    write(i);
    const before = performance.eventLoopUtilization();
    await keyring.reload();
    active.push(performance.eventLoopUtilization(before).active);
    quiet.push(await verifying(100));
    write(20 + i);
    let isDone = false;
    const reload = keyring.reload().then(() => {
      isDone = true;
    });
    let longest = 0;
    while (!isDone) longest = Math.max(longest, await verifying(1));
    loaded.push(longest);
    await reload;
  }
  await keyring.close();
  const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
  return { active: median(active), added: median(loaded) - median(quiet), worst: Math.max(...loaded) };
}

/** Tokens with unknown kids for three seconds and a cool-down of one. */
async function flood(openKeyring) {
  const key = await newKey('ES256', 'k1');
  let asked = 0;
  const server = createServer((_request, response) => {
    asked += 1;
    response.end(JSON.stringify({ keys: [key.public] }));
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const from = { jwks: `http://127.0.0.1:${server.address().port}/` };
  const keyring = await openKeyring({ keyset: 'api', role: 'verifier', from, cooldown: '1s', refresh: '30m' });
  const first = asked;
  const head = (i) => Buffer.from(JSON.stringify({ alg: 'ES256', kid: `unknown-${i}` })).toString('base64url');
  let tokens = 0;
  const began = performance.now();
  while (performance.now() - began < 2_900) {
    await Promise.all(
      Array.from({ length: 100 }, () => keyring.verify(`${head(tokens++)}.e30.AAAA`, ANY).catch(() => {})),
    );
    await new Promise(setImmediate);
  }
  const seconds = (performance.now() - began) / 1_000;
  await keyring.close();
  server.close();
  return { perSecond: Math.round(tokens / seconds), fetches: asked - first, coolDowns: Math.ceil(seconds) };
}

/** Over bare Node, of alternating processes: the quickest of each, and the median of their peaks. */
function importing() {
  const peak =
    "process.stdout.write(/VmHWM:\\s+(\\d+)/.exec(require('fs').readFileSync('/proc/self/status','utf8'))[1])";
  const run = (code) => {
    const began = performance.now();
    const kib = Number(execFileSync(process.execPath, ['-e', `${code};${peak}`], { encoding: 'utf8' }));
    return { ms: performance.now() - began, mib: kib / 1024 };
  };
  const runs = Array.from({ length: 15 }, () => [run(''), run(`require(${JSON.stringify(BUNDLE)})`)]);
  const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
  const of = (which, what) => median(runs.map((pair) => pair[which][what]));
  const quickestOf = (which) => Math.min(...runs.map((pair) => pair[which].ms));
  return { ms: quickestOf(1) - quickestOf(0), mib: of(1, 'mib') - of(0, 'mib') };
}

async function measureKeyring(onlyCounts = false) {
  const { openKeyring } = (await import(pathToFileURL(BUNDLE).href)).default;
  try {
    if (onlyCounts) return { flood: await flood(openKeyring), importing: importing() };
    return {
      rs256: await besideJose(openKeyring, 'RS256'),
      es256: await besideJose(openKeyring, 'ES256'),
      reload: await reloadUnderLoad(openKeyring),
      flood: await flood(openKeyring),
      importing: importing(),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A section of `npm run bench`. */
export async function keyring() {
  const { rs256, es256, reload, flood: flooded, importing: imported } = await measureKeyring();
  const beside = (name, value) => ({ name, value, limit: 1.05, unit: 'x', detail: 'beside jose with a key in hand' });
  return {
    figures: [
      beside('keyring sign RS', rs256.sign),
      beside('keyring verify RS', rs256.verify),
      beside('keyring sign ES', es256.sign),
      beside('keyring verify ES', es256.verify),
      {
        name: 'keyring reload',
        value: reload.active,
        limit: 5,
        unit: 'ms',
        detail: `of the event loop for all of it; ${reload.added.toFixed(1)} ms added to a request on this machine`,
      },
      {
        name: 'keyring flood',
        value: flooded.fetches,
        limit: flooded.coolDowns,
        unit: '',
        detail: `fetches; ${flooded.perSecond} unknown kids a second`,
      },
      { name: 'keyring import', value: imported.ms, limit: 30, unit: 'ms', detail: 'over bare Node' },
      { name: 'keyring memory', value: imported.mib, limit: 12, unit: 'MiB', detail: 'over bare Node' },
    ],
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  console.log(JSON.stringify(await measureKeyring(process.argv[2] === 'counts'), null, 2));
