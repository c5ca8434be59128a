import type { RotateDocument, StatusDocument } from '../e2e/fixtures.js';
import { type RunningService, World } from '../e2e/world.js';
import { Cache } from './cache.js';
import { CLAIMS, type PartyKind, type Place, type Signer, TRUSTED_FOR, type Verifier } from './party.js';
import { answerOf, type Process, statusOf } from './process.js';
import { openNginx, PATH } from './web.js';

type Keyset = RotateDocument['keysets'][number];
export type KeyStatus = StatusDocument['keysets'][number]['keys'][number] & { readonly activatedAt: string | null };

/** A party with jwtrot, the server of the JWKS and, in the other role, a service of ours. */
export interface Stage {
  readonly party: Verifier | Signer;
  readonly nginx: Process;
  /** Between nginx and the party. */
  readonly cache: Cache | null;
  readonly place: Place;
  /** How long a run waits for the party. */
  patience(deadline: string): void;
  /** Runs jwtrot, which must end with that code. */
  run(code: number, ...args: string[]): Promise<Keyset>;
  /** The same, with whatever code it ends. */
  attempt(...args: string[]): Promise<{ code: number | null; keyset: Keyset; said: string }>;
  keys(): Promise<readonly KeyStatus[]>;
  active(): Promise<string>;
  /** Null: the signer gave none. */
  mint(): Promise<string | null>;
  check(token: string): Promise<number>;
  /** What the party has printed: for messages of failures. */
  said(): string;
  close(): Promise<void>;
}

/** Long enough on a busy machine. */
export const PATIENT = '60s';
/** For a party that can't confirm. */
export const IMPATIENT = '4s';

export async function openStage(kind: PartyKind, options: { readonly cached: boolean }): Promise<Stage> {
  const world = new World();
  const closing: (() => Promise<unknown>)[] = [() => world.close()];
  const close = async () => {
    for (const end of closing.reverse()) await end();
  };
  try {
    const jwks = `${world.folderFor('public')}/jwks.json`;
    const key = `${world.folderFor('private')}/api.jwk`;
    const nginx = await openNginx(world);
    closing.push(() => nginx.stop());
    const cache = options.cached ? await Cache.open(nginx.url(PATH)) : null;
    closing.push(async () => cache?.close());
    const place = { world, jwks, key, jwksUrl: cache?.url ?? nginx.url(PATH) };
    const party = await kind.open(place);
    closing.push(async () => party.close?.());
    closing.push(() => party.stop());
    const ours = await world.service(kind.role === 'verifier' ? { key, claims: CLAIMS } : { jwks });
    const configure = (deadline: string) =>
      world.configure(configuration({ kind, party, ours, place, nginx, deadline }));
    configure(PATIENT);
    await party.start();
    const said = () => party.said();
    return {
      party,
      nginx,
      cache,
      place,
      close,
      said,
      patience: configure,
      ...traffic(party, ours),
      ...commands(world),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Configured {
  readonly kind: PartyKind;
  readonly party: Verifier | Signer;
  readonly ours: RunningService;
  readonly place: Place;
  readonly nginx: Process;
  readonly deadline: string;
}

function configuration({ kind, party, ours, place, nginx, deadline }: Configured): object {
  const { world, jwks, key } = place;
  const own = {
    name: 'ours',
    role: kind.role === 'verifier' ? 'signer' : 'verifier',
    reload: { signal: 'HUP', pidFile: ours.pidFile, timeout: '2s' },
    health: { url: `http://127.0.0.1:${ours.port}/healthz`, deadline },
  };
  const keyset = {
    alg: 'ES256',
    maxTokenTtl: '15m',
    clockSkew: '1s',
    jwksMaxAge: `${TRUSTED_FOR}s`,
    publishAhead: `${TRUSTED_FOR + 1}s`,
    unlistedVerifiers: false,
    publish: [{ file: jwks, url: nginx.url(PATH) }],
    deliver: [{ file: key, format: 'jwk', allowDisk: true }],
    ...party.keyset,
    services: [own, party.service(deadline)].flat(),
  };
  return {
    store: { type: 'directory', path: world.path('store') },
    wrap: { type: 'local', kek: { file: world.path('kek') } },
    keysets: { api: keyset },
  };
}

/** Tokens last as long as the whole test. */
const LIFE = 900;

function traffic(party: Verifier | Signer, ours: RunningService): Pick<Stage, 'mint' | 'check'> {
  const url = (path: string) => `http://127.0.0.1:${ours.port}${path}`;
  const own = {
    check: (token: string) => statusOf(url(`/verify?token=${encodeURIComponent(token)}`)),
    async mint() {
      const { status, body } = await answerOf(url(`/token?life=${LIFE}`));
      return status === 200 ? String(JSON.parse(body).token) : null;
    },
  };
  if ('check' in party) return { mint: own.mint, check: (token) => party.check(token) };
  return { mint: () => party.mint(), check: own.check };
}

function commands(world: World): Pick<Stage, 'run' | 'attempt' | 'keys' | 'active'> {
  const attempt: Stage['attempt'] = async (...args) => {
    const { code, document, stderr } = await world.json<RotateDocument>(args);
    const said = `jwtrot ${args.join(' ')} ended with ${code}: ${stderr}${JSON.stringify(document)}`;
    return { code, keyset: document.keysets?.[0] as Keyset, said };
  };
  const keys: Stage['keys'] = async () => {
    const { document } = await world.json<StatusDocument>(['status']);
    return (document.keysets[0]?.keys ?? []) as readonly KeyStatus[];
  };
  return {
    attempt,
    keys,
    async run(code, ...args) {
      const ran = await attempt(...args);
      if (ran.code !== code) throw new Error(`${ran.said}; it should have been ${code}`);
      return ran.keyset;
    },
    async active() {
      const active = (await keys()).find(({ state }) => state === 'active');
      if (active === undefined) throw new Error('no key is active');
      return active.kid;
    },
  };
}
