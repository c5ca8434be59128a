import { createPrivateKey, createPublicKey } from 'node:crypto';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { parse } from 'yaml';
import { Page } from '../support/page.js';
import type { World } from './world.js';

export const SCRIPTS = fileURLToPath(new URL('../../examples/delivery', import.meta.url));
const INSTALLED = '/usr/local/lib/jwtrot/';

/** A place that keys are delivered to, and how a test looks into it. */
export interface KeyStore {
  /** A section of docs/delivery.md. */
  readonly heading: string;
  /** What is elsewhere in the test than on the page. */
  readonly elsewhere: Readonly<Record<string, string>>;
  /** For the scripts, since a command gets almost none. */
  readonly env: Readonly<Record<string, string>>;
  /** The PEM or JWK that is there now; null: none. */
  held(): Promise<string | null>;
  /** Somebody deletes it. */
  lose(): Promise<void>;
}

/** The page's own entry, with its scripts in a folder of the test. */
function entryOf(world: World, { heading, elsewhere, env }: KeyStore): unknown {
  const block = /^```yaml\n(.*?)^```$/ms.exec(new Page('docs/delivery.md').section(heading))?.[1] ?? '';
  const folder = world.path('lib');
  mkdirSync(folder, { recursive: true });
  const [, script = ''] = block.match(new RegExp(`${INSTALLED}([\\w-]+)`)) ?? [];
  const exports = Object.entries(env).map(([name, value]) => `export ${name}='${value}'\n`);
  writeFileSync(`${folder}/${script}`, `#!/bin/sh\n${exports.join('')}exec ${SCRIPTS}/${script} "$@"\n`);
  chmodSync(`${folder}/${script}`, 0o755);
  const filled = Object.entries({ ...elsewhere, [INSTALLED]: `${folder}/` }).reduce(
    (text, [from, to]) => text.replaceAll(from, to),
    block,
  );
  return parse(filled).deliver;
}

/** A first key, a rotation, a rollback, a leaked key, a loss. After each, the active key is there, and no other. */
export async function playDelivery(world: World, store: KeyStore): Promise<void> {
  const jwks = `${world.folderFor('public')}/jwks.json`;
  world.configure({
    store: { type: 'directory', path: world.path('store') },
    wrap: { type: 'local', kek: { file: world.path('kek') } },
    keysets: { api: { alg: 'ES256', maxTokenTtl: '1h', publish: [{ file: jwks }], deliver: entryOf(world, store) } },
  });
  const seen = new Set<string>();
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await world.run(args);
    expect(code, `jwtrot ${args.join(' ')}: ${stderr}`).toBe(0);
    const text = (await store.held()) ?? '';
    const secret = createPrivateKey(text.startsWith('{') ? { key: JSON.parse(text), format: 'jwk' } : text);
    const { x, d = '' } = secret.export({ format: 'jwk' });
    expect(`${stdout}${stderr}`).not.toContain(d);
    const status = await world.json<{ keysets: [{ keys: { kid: string; state: string }[] }] }>(['status']);
    const kid = status.document.keysets[0].keys.find(({ state }) => state === 'active')?.kid ?? '';
    const published = world.readJson('public/jwks.json').keys as unknown as { kid: string; x: string }[];
    expect(createPublicKey(secret).export({ format: 'jwk' }).x).toBe(x);
    expect(published.find((key) => key.kid === kid)?.x).toBe(x);
    seen.add(kid);
    return kid;
  };
  expect(await store.held()).toBeNull();
  const first = await run('rotate');
  expect(await run('rotate', '--immediate')).not.toBe(first);
  expect(await run('rollback', '--yes')).toBe(first);
  const next = await run('retire', '--kid', first, '--yes');
  expect(next).not.toBe(first);
  await store.lose();
  expect(await store.held()).toBeNull();
  expect(await run('rotate')).toBe(next);
  expect(seen.size).toBeGreaterThan(1);
}
