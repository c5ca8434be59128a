// Measures the time from when a service would report the new kid until jwtrot's `confirmed` line arrives.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { COMMAND, cleanEnv, configure, inFolder, localKeys, median, monotonic } from './measure.js';
import { entry, withService } from './services.js';

/** Milliseconds that the service takes to reload. */
const DELAYS = [50, 200, 500, 900];
const ROUNDS = 3;
const LIMIT = 150;

/** @returns {Promise<import('./measure.js').Section>} */
export async function lag() {
  const lags = new Map(DELAYS.map((delay) => [delay, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const delay of DELAYS) lags.get(delay).push(...(await inFolder((folder) => lagsOf(folder, delay))));
  }
  const parts = [...lags].map(
    ([delay, all]) => `${delay} ms: ${median(all).toFixed(0)} (most ${Math.max(...all).toFixed(0)})`,
  );
  const detail = `reload takes ${parts.join(', ')}; the highest of these medians`;
  const value = Math.max(...[...lags.values()].map(median));
  return { figures: [{ name: 'lag', value, limit: LIMIT, unit: 'ms', detail }] };
}

/**
 * Measures a first rotation, which waits for the service twice: as a verifier and as a signer.
 * @returns both lags, in ms
 */
function lagsOf(folder, reloadMs) {
  const source = { jwks: join(folder, 'jwks.json'), key: join(folder, 'api.jwk') };
  return withService({ reloadMs, source, pidFile: join(folder, 'pid') }, async (service) => {
    const keyset = {
      alg: 'ES256',
      maxTokenTtl: '1h',
      publish: [{ file: source.jwks }],
      deliver: [{ file: source.key, format: 'jwk', allowDisk: true }],
      services: [entry('both', service, { deadline: '10s' })],
    };
    const config = configure(folder, { ...localKeys(folder), keysets: { api: keyset } });
    const held = [];
    service.onHolds(({ at }) => held.push(Number(BigInt(at)) / 1e6));
    const known = await confirmations(['rotate', '--config', config], cleanEnv(folder));
    if (held.length !== 2) throw new Error(`expected two reloads, got ${held.length}`);
    return held.map((since) => (known.find((at) => at > since) ?? Number.NaN) - since);
  });
}

async function confirmations(args, env) {
  const child = spawn(process.execPath, [COMMAND, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const known = [];
  createInterface({ input: child.stderr }).on(
    'line',
    (line) => line.endsWith(' api confirmed') && known.push(monotonic()),
  );
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`jwtrot rotate ended with ${code}`);
  return known;
}
