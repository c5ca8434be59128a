import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Health, KeyringOptions } from '../../src/keyring/public.js';
import type { World } from './world.js';

const SERVICE = fileURLToPath(new URL('keyring-service.js', import.meta.url));

/** A configuration whose keyset is published and delivered to files. */
export function withFiles(world: World, { jwks, key }: { jwks: string; key: string }, services: object[]): object {
  const outlets = { publish: [{ file: jwks }], deliver: [{ file: key, format: 'jwk', allowDisk: true }] };
  return {
    store: { type: 'directory', path: world.path('store') },
    wrap: { type: 'local', kek: { file: world.path('kek') } },
    keysets: { api: { alg: 'ES256', maxTokenTtl: '1h', ...outlets, services } },
  };
}

/** A process that holds a keyring from the built package. */
export interface KeyringService {
  readonly child: ChildProcess;
  readonly port: number;
  get<T>(path: string): Promise<{ status: number; body: T }>;
  health(): Promise<Health>;
  token(): Promise<string>;
  /** The kid of the key that it accepted the token with; else the code of the refusal. */
  check(token: string): Promise<string>;
  /** Closes the keyring and the server. @returns the exit code, once the process has ended by itself */
  close(): Promise<number | null>;
}

export async function startService(options: KeyringOptions, env: Record<string, string> = {}): Promise<KeyringService> {
  const child = spawn(process.execPath, [SERVICE, JSON.stringify(options)], {
    // The AWS SDK warns on Node 20.
    env: { PATH: process.env['PATH'] ?? '', AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.once('data', (chunk) => resolve(Number(String(chunk))));
    child.once('exit', () => reject(new Error('the service ended before it listened')));
  });
  const get: KeyringService['get'] = async (path) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, body: (await response.json()) as never };
  };
  return {
    child,
    port,
    get,
    health: async () => (await get<Health>('/healthz')).body,
    token: async () => (await get<{ token: string }>('/token')).body.token,
    check: async (token) => {
      const { body } = await get<{ kid?: string; code?: string }>(`/verify?token=${encodeURIComponent(token)}`);
      return body.kid ?? body.code ?? 'nothing';
    },
    close: async () => {
      await get('/close');
      return ended;
    },
  };
}

export function kill({ child }: KeyringService): void {
  child.kill('SIGKILL');
}
