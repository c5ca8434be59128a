import { Agent, get } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { openSite, type Site } from '../e2e/fixtures.js';

/** How long traffic lasts: `npm run test:load` sets a minute, so that keys also expire under it. */
const SECONDS = Number(process.env['JWTROT_LOAD'] ?? 12);
const TOKEN_LIFE = 20;
/** A token is checked when it is new, and again when it has this age (in seconds). */
const OLD = Math.min(15, SECONDS * 0.6);
/** Requests under way at once, each for minting and for the second check. */
const CLIENTS = 3;

const POLICY = {
  maxTokenTtl: `${TOKEN_LIFE}s`,
  rotateEvery: '3s',
  jwksMaxAge: '0s',
  publishAhead: '0s',
  unlistedVerifiers: false,
  clockSkew: '0s',
  verifyFor: '25s',
  maxKeys: 15,
};

interface Minted {
  readonly token: string;
  readonly at: number;
}

const agent = new Agent({ keepAlive: true });
let site: Site;
afterEach(async () => {
  agent.destroy();
  await site.world.close();
});

function ask(port: number, path: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, agent }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    }).on('error', reject);
  });
}

/** What traffic has come to. */
class Traffic {
  readonly rejected: string[] = [];
  readonly kids = new Set<string>();
  minted = 0;
  checkedNew = 0;
  checkedOld = 0;
  readonly #tokens: Minted[] = [];

  constructor(
    private readonly site: Site,
    private readonly until: number,
  ) {}

  async mint(): Promise<void> {
    while (Date.now() < this.until) {
      const { text } = await ask(this.site.issuer.port, `/token?life=${TOKEN_LIFE}`);
      const { token } = JSON.parse(text) as { token: string };
      this.minted += 1;
      this.kids.add(decodeProtectedHeader(token).kid ?? '');
      this.#tokens.push({ token, at: Date.now() });
      await this.#check(token, 'new');
      this.checkedNew += 1;
      // The second checks come first: each token is to be checked twice before it expires.
      while (Date.now() - (this.#tokens[0]?.at ?? Number.POSITIVE_INFINITY) > 1_000 * OLD + 1_000) await wait(50);
    }
  }

  /** Each token once more when it is old; at the end whatever age it has. */
  async checkAgain(): Promise<void> {
    for (;;) {
      const oldest = this.#tokens[0];
      const ended = Date.now() >= this.until;
      if (oldest === undefined && ended) return;
      if (oldest === undefined || (!ended && Date.now() - oldest.at < 1_000 * OLD)) await wait(20);
      else {
        this.#tokens.shift();
        await this.#check(oldest.token, `${Math.round((Date.now() - oldest.at) / 1_000)} s old`);
        this.checkedOld += 1;
      }
    }
  }

  async #check(token: string, age: string): Promise<void> {
    const { status, text } = await ask(this.site.gateway.port, `/verify?token=${token}`);
    if (status === 200) return;
    const left = (decodeJwt(token).exp ?? 0) * 1_000 - Date.now();
    this.rejected.push(`${age}, ${left} ms before its end, kid ${decodeProtectedHeader(token).kid}: ${text}`);
  }
}

/** @returns what runs said that did not end well */
async function rotations(until: number): Promise<string[]> {
  const failed: string[] = [];
  while (Date.now() < until) {
    const { code, stdout, stderr } = await site.world.run(['rotate']);
    if (code !== 0) failed.push(`exit ${code}: ${stdout}${stderr}`);
    await wait(500);
  }
  return failed;
}

describe('rotations under continuous traffic', () => {
  it(`reject no token in ${SECONDS} seconds of a rotation every three`, { timeout: 240_000 }, async () => {
    site = await openSite();
    const { keysets } = site.configuration(POLICY) as { keysets: { api: { services: { health: object }[] } } };
    // Shorter than a rotation: the clock of a former key starts when no reload can bring it back any more.
    for (const { health } of keysets.api.services) Object.assign(health, { deadline: '2500ms', timeout: '2s' });
    site.world.configure({ ...site.configuration(), keysets });
    expect((await site.world.run(['rotate'])).code).toBe(0);

    const until = Date.now() + 1_000 * SECONDS;
    const traffic = new Traffic(site, until);
    const clients = Array.from({ length: CLIENTS }, () => [traffic.mint(), traffic.checkAgain()]).flat();
    const [failed] = await Promise.all([rotations(until), ...clients]);

    const published = site.world.readJson('public/jwks.json').keys.length;
    const { minted, checkedNew, checkedOld, kids, rejected } = traffic;
    console.log(
      `${SECONDS} s of load: ${minted} tokens minted with ${kids.size} keys (${published} still published), ${checkedNew} checked new, ${checkedOld} checked old, ${rejected.length} rejected`,
    );
    expect(rejected).toEqual([]);
    expect({ checkedNew, checkedOld }).toEqual({ checkedNew: minted, checkedOld: minted });
    expect(failed).toEqual([]);
    expect(minted).toBeGreaterThan(5 * SECONDS);
    expect(kids.size).toBeGreaterThanOrEqual(Math.floor(SECONDS / 12) + 1);
    // Within a minute some keys go as well.
    if (SECONDS >= 60) expect(published).toBeLessThan(kids.size);
  });
});
