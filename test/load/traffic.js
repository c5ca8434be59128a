// Rotations under continuous traffic: a signer and a verifier as processes of their own, the real command every half second,
// and every token that the signer mints checked by the verifier when it is new, and again when it is old. Plain
// JavaScript, so that the bench runs it as well. See traffic.d.ts.
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { stringify } from 'yaml';

const COMMAND = fileURLToPath(new URL('../../bin/jwtrot.js', import.meta.url));
const SERVICE = fileURLToPath(new URL('../e2e/service.js', import.meta.url));
/** In seconds. */
const TOKEN_LIFE = 20;
/** Requests under way at once, each for minting and for the second check. */
const CLIENTS = 3;

const POLICY = {
  alg: 'ES256',
  maxTokenTtl: `${TOKEN_LIFE}s`,
  rotateEvery: '3s',
  jwksMaxAge: '0s',
  publishAhead: '0s',
  unlistedVerifiers: false,
  clockSkew: '0s',
  verifyFor: '25s',
  maxKeys: 15,
};

/** What it happens to. */
class Site {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'jwtrot-load-'));
    this.jwks = join(this.folder, 'public/jwks.json');
    this.key = join(this.folder, 'private/api.jwk');
    this.agent = new Agent({ keepAlive: true });
    this.children = [];
  }

  async open() {
    for (const name of ['public', 'private']) mkdirSync(join(this.folder, name), { mode: 0o755 });
    this.issuer = await this.service('issuer', { key: this.key });
    this.gateway = await this.service('gateway', { jwks: this.jwks });
    const entry = (name, role, { port, pidFile }) => ({
      name,
      role,
      reload: { signal: 'HUP', pidFile, timeout: '2s' },
      // Shorter than a rotation: the clock of a former key starts when no reload can bring it back any more.
      health: { url: `http://127.0.0.1:${port}/healthz`, deadline: '2500ms', timeout: '2s' },
    });
    const configuration = {
      store: { type: 'directory', path: join(this.folder, 'store') },
      wrap: { type: 'local', kek: { file: join(this.folder, 'kek') } },
      keysets: {
        api: {
          ...POLICY,
          publish: [{ file: this.jwks }],
          deliver: [{ file: this.key, format: 'jwk', allowDisk: true }],
          services: [entry('issuer', 'signer', this.issuer), entry('gateway', 'verifier', this.gateway)],
        },
      },
    };
    writeFileSync(join(this.folder, 'jwtrot.yaml'), stringify(configuration), { mode: 0o600 });
  }

  async service(name, files) {
    const pidFile = join(this.folder, `${name}.pid`);
    const child = spawn(process.execPath, [SERVICE, JSON.stringify({ ...files, pidFile, reloadMs: 30 })], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.children.push(child);
    const port = await new Promise((resolve, reject) => {
      child.stdout.once('data', (chunk) => resolve(Number(String(chunk))));
      child.once('exit', () => reject(new Error(`the ${name} ended before it listened`)));
    });
    return { port, pidFile };
  }

  /** @returns {Promise<{ code: number, outcome: string | undefined, said: string }>} */
  rotate() {
    const args = [COMMAND, 'rotate', '--json', '--config', join(this.folder, 'jwtrot.yaml')];
    const env = { PATH: process.env.PATH, HOME: this.folder, XDG_STATE_HOME: join(this.folder, 'state') };
    return new Promise((resolve) => {
      execFile(process.execPath, args, { env }, (error, stdout, stderr) => {
        const outcome = error === null ? JSON.parse(stdout).keysets[0].outcome : undefined;
        resolve({ code: error === null ? 0 : error.code, outcome, said: stdout + stderr });
      });
    });
  }

  ask(service, path) {
    return new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port: service.port, path, agent: this.agent }, (response) => {
        let text = '';
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode, text }));
      }).on('error', reject);
    });
  }

  async close() {
    this.agent.destroy();
    for (const child of this.children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

class Traffic {
  constructor(site, seconds) {
    this.site = site;
    this.until = Date.now() + 1_000 * seconds;
    /** A token is checked again when it has this age, in ms. */
    this.old = 1_000 * Math.min(15, seconds * 0.6);
    this.tokens = [];
    this.kids = new Set();
    this.figures = { minted: 0, checkedNew: 0, checkedOld: 0, rejected: [] };
  }

  async mint() {
    while (Date.now() < this.until) {
      const { text } = await this.site.ask(this.site.issuer, `/token?life=${TOKEN_LIFE}`);
      const { token } = JSON.parse(text);
      this.figures.minted += 1;
      this.kids.add(decodeProtectedHeader(token).kid);
      this.tokens.push({ token, at: Date.now() });
      await this.check(token, 'new');
      this.figures.checkedNew += 1;
      // The second checks come first: each token is to be checked twice before it expires.
      while (Date.now() - (this.tokens[0]?.at ?? Number.POSITIVE_INFINITY) > this.old + 1_000) await wait(50);
    }
  }

  /** Each token once more when it is old; at the end whatever age it has. */
  async checkAgain() {
    for (;;) {
      const [oldest] = this.tokens;
      const ended = Date.now() >= this.until;
      if (oldest === undefined && ended) return;
      if (oldest === undefined || (!ended && Date.now() - oldest.at < this.old)) await wait(20);
      else {
        this.tokens.shift();
        await this.check(oldest.token, `${Math.round((Date.now() - oldest.at) / 1_000)} s old`);
        this.figures.checkedOld += 1;
      }
    }
  }

  async check(token, age) {
    const { status, text } = await this.site.ask(this.site.gateway, `/verify?token=${token}`);
    if (status === 200) return;
    const left = decodeJwt(token).exp * 1_000 - Date.now();
    this.figures.rejected.push(`${age}, ${left} ms before its end, kid ${decodeProtectedHeader(token).kid}: ${text}`);
  }
}

export async function rotationsUnderLoad(seconds) {
  const site = new Site();
  try {
    await site.open();
    const first = await site.rotate();
    if (first.code !== 0) throw new Error(`the first rotation ended with ${first.code}: ${first.said}`);
    const traffic = new Traffic(site, seconds);
    const failed = [];
    let rotations = 0;
    const rotate = async () => {
      while (Date.now() < traffic.until) {
        const { code, outcome, said } = await site.rotate();
        if (code !== 0) failed.push(`exit ${code}: ${said}`);
        if (outcome === 'rotated') rotations += 1;
        await wait(500);
      }
    };
    const clients = Array.from({ length: CLIENTS }, () => [traffic.mint(), traffic.checkAgain()]).flat();
    await Promise.all([rotate(), ...clients]);
    const published = JSON.parse(readFileSync(site.jwks, 'utf8')).keys.length;
    return { ...traffic.figures, kids: traffic.kids.size, published, rotations, failed };
  } finally {
    await site.close();
  }
}
