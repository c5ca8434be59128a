import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { load } from './place.js';

const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../examples/${path}`, import.meta.url)), 'utf8');

/** The number in the one place of a text that the pattern finds. */
function numberIn(path: string, pattern: RegExp): number {
  const [found, ...others] = [...read(path).matchAll(pattern)];
  expect(others).toEqual([]);
  return Number(found?.[1]);
}

test('examples/fastapi: what its programs, nginx and jwtrot.yaml say fits together', async () => {
  const { keysets } = await load(read('fastapi/jwtrot.yaml'));
  const [keyset] = keysets;
  const { policy, services = [] } = keyset ?? {};
  const trusted =
    numberIn('fastapi/verifier.py', /^LIFESPAN = (\d+)/gm) + numberIn('nginx/jwks.conf', /max-age=(\d+)/g);
  expect(policy?.jwksMaxAge).toBe(trusted * 1000);
  expect(policy?.maxTokenTtl).toBeGreaterThanOrEqual(numberIn('fastapi/issuer.py', /^LIFE = (\d+)/gm) * 1000);
  expect(read('fastapi/verifier.py')).toContain(`ALGORITHMS = ["${policy?.alg}"]`);
  const [, command = ''] = /^""".*? {2}(uvicorn .*)"""$/m.exec(read('fastapi/issuer.py')) ?? [];
  expect(read('fastapi/issuer.service')).toContain(`\nExecStart=/usr/bin/${command}\n`);
  const verifier = services.find(({ role }) => role === 'verifier');
  expect(verifier?.health).toMatchObject({ distinct: { count: numberIn('fastapi/verifier.py', /--workers (\d+)/g) } });
});
