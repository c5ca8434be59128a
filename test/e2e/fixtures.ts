import { type RunningService, World } from './world.js';

/** An issuer that signs, a gateway that verifies, both of them real processes. */
export interface Site {
  readonly world: World;
  readonly issuer: RunningService;
  readonly gateway: RunningService;
  configuration(changes?: Record<string, unknown>): object;
}

interface SiteOptions {
  readonly issuer?: object;
  readonly gateway?: object;
}

/** Issuer: signs with the delivered JWK. Gateway: verifies by the published JWKS. Both read again on SIGHUP. */
export async function openSite(options: SiteOptions = {}): Promise<Site> {
  const world = new World();
  const jwks = `${world.folderFor('public')}/jwks.json`;
  const key = `${world.folderFor('private')}/api.jwk`;
  const issuer = await world.service({ key, reloadMs: 30, ...options.issuer });
  const gateway = await world.service({ jwks, reloadMs: 30, ...options.gateway });
  const service = (name: string, role: string, one: RunningService) => ({
    name,
    role,
    reload: { signal: 'HUP', pidFile: one.pidFile, timeout: '2s' },
    health: { url: `http://127.0.0.1:${one.port}/healthz`, deadline: '3s', timeout: '500ms' },
  });
  const configuration = (changes: Record<string, unknown> = {}) => ({
    store: { type: 'directory', path: world.path('store') },
    wrap: { type: 'local', kek: { file: world.path('kek') } },
    keysets: {
      api: {
        alg: 'ES256',
        maxTokenTtl: '1h',
        publish: [{ file: jwks }],
        deliver: [{ file: key, format: 'jwk', allowDisk: true }],
        services: [service('issuer', 'signer', issuer), service('gateway', 'verifier', gateway)],
        ...changes,
      },
    },
  });
  world.configure(configuration());
  return { world, issuer, gateway, configuration };
}

/** A token of the issuer's, and whether the gateway accepts it. */
export async function mint({ issuer }: Site): Promise<string> {
  return String((await issuer.get('/token')).body['token']);
}

export async function accepts({ gateway }: Site, token: string): Promise<boolean> {
  return (await gateway.get(`/verify?token=${encodeURIComponent(token)}`)).status === 200;
}

export interface RotateDocument {
  readonly keysets: readonly {
    name: string;
    actions: readonly { type: string; kid: string | null; reason: string }[];
    active: string | null;
    outcome: string;
    problems: readonly { code: string; message: string; hint: string | null }[];
  }[];
  readonly error?: { code: string; message: string; hint: string | null; exit: number };
}

export interface StatusDocument {
  readonly keysets: readonly {
    name: string;
    lineage: string | null;
    revision: number | null;
    otherHistory: string | null;
    rollout: { kid: string; phase: string; direction: string } | null;
    keys: readonly { kid: string; version: number; state: string; signedUntil: string | null; reason: string | null }[];
    next: { action: string; at: string | null; reason: string } | null;
  }[];
}
