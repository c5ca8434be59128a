import { cpSync, readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { thumbprintOf } from '../../src/keys/thumbprint.js';
import { decodeManifest } from '../../src/keyset/manifest/encoding.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { type Running, World } from '../e2e/world.js';
import { type Keeping, keepInDirectory } from './keeping.js';
import { Services } from './services.js';

const PRELOAD = fileURLToPath(new URL('preload.cjs', import.meta.url));

/** What waits for time would make hundreds of runs slow: every verifier reads the file itself and is polled. */
const AT_ONCE = {
  alg: 'ES256',
  maxTokenTtl: '1h',
  unlistedVerifiers: false,
  jwksMaxAge: '0s',
  publishAhead: '0s',
  clockSkew: '0s',
};

/** A keyset, its services and what holds it, to be put back again and again. */
export class Site<K extends Keeping = Keeping> {
  #saved = false;

  private constructor(
    readonly world: World,
    readonly keeping: K,
    readonly services: Services,
  ) {}

  static async open(): Promise<Site>;
  static async open<K extends Keeping>(keep: (world: World) => Promise<K>): Promise<Site<K>>;
  static async open(keep?: (world: World) => Promise<Keeping>): Promise<Site> {
    const world = new World();
    const keeping = keep === undefined ? keepInDirectory(world) : await keep(world);
    const jwks = `${world.folderFor('public')}/jwks.json`;
    const key = `${world.folderFor('private')}/api.jwk`;
    const services = new Services({ jwks, key });
    await services.listen();
    const site = new Site(world, keeping, services);
    site.configure();
    world.defaultEnv = keeping.env;
    return site;
  }

  /** @param deadline of each service, or of the gateway alone where the issuer has its own */
  configure(policy: object = {}, deadline = '10s', issuerDeadline = deadline): void {
    const service = (name: string, role: string, most: string) => ({
      name,
      role,
      reload: { http: `${this.services.url}/${name}/reload`, timeout: '3s' },
      health: { url: `${this.services.url}/${name}/healthz`, timeout: '1s', deadline: most },
    });
    this.world.configure({
      ...this.keeping.configuration,
      keysets: {
        api: {
          ...AT_ONCE,
          publish: [{ file: this.world.path('public/jwks.json') }],
          deliver: [{ file: this.world.path('private/api.jwk'), format: 'jwk', allowDisk: true }],
          services: [service('issuer', 'signer', issuerDeadline), service('gateway', 'verifier', deadline)],
          ...policy,
        },
      },
    });
  }

  /** Runs that must succeed: they make what the kills begin from. */
  async run(...args: string[]): Promise<void> {
    const { code, stderr } = await this.world.run(args);
    if (code !== 0) throw new Error(`jwtrot ${args.join(' ')} ended with ${code}: ${stderr}`);
  }

  /** The real command, with what `preload.cjs` is to do at which call, and the file that says how late it is. */
  start(args: readonly string[], { call = '', clock = '' }: { call?: string; clock?: string } = {}): Running {
    const env = { NODE_OPTIONS: `--require ${PRELOAD}`, JWTROT_TEST_CALL: call, JWTROT_TEST_CLOCK: clock };
    return this.world.start(args, call === '' && clock === '' ? {} : { env });
  }

  async manifest(): Promise<Manifest | null> {
    const text = this.keeping.manifestText();
    return text === null ? null : decodeManifest(text, 'api', 'the store', thumbprintOf);
  }

  async save(): Promise<void> {
    await this.keeping.save();
    for (const name of ['public', 'private']) {
      cpSync(this.world.path(name), this.world.path(`saved/${name}`), { recursive: true });
    }
    this.#saved = true;
  }

  /** As it was saved, or as before the first run; the services as after a start. */
  async restore(): Promise<void> {
    await this.keeping.restore();
    for (const name of ['public', 'private']) {
      const folder = this.world.folderFor(name);
      for (const entry of readdirSync(folder)) rmSync(`${folder}/${entry}`, { recursive: true });
      if (this.#saved) cpSync(this.world.path(`saved/${name}`), folder, { recursive: true });
    }
    this.services.restart();
  }

  /** What a killed writer left beside the outlets: a private key may be in it. */
  leftovers(): string[] {
    const names = ['public', 'private'].flatMap((name) =>
      readdirSync(this.world.folderFor(name), { encoding: 'utf8', recursive: true }),
    );
    return names.filter((name) => name.endsWith('.jwtrot-tmp'));
  }

  async close(): Promise<void> {
    await this.world.close();
    await this.services.close();
    await this.keeping.close();
  }
}
