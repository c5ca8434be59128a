// Measures a rotation that waits for a thousand instances of a service: its cost, and how soon it notices the slowest.
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configure, inFolder, localKeys, monotonic, usageOf } from './measure.js';

const SERVICE = fileURLToPath(new URL('../test/e2e/fleet-service.js', import.meta.url));
const COUNT = 1000;
/** Milliseconds that the slowest instance takes to reload; the others are spread over that time. */
const SLOWEST = 20_000;
const MIB = 100;
const LAG = 2;

/** @returns {Promise<import('./measure.js').Section>} */
export function fleet() {
  return inFolder(async (folder) => {
    const jwks = join(folder, 'jwks.json');
    const { port, last, end } = await start({ count: COUNT, slowest: SLOWEST, jwks });
    try {
      const service = {
        name: 'verifier',
        role: 'verifier',
        instances: Array.from({ length: COUNT }, (_, i) => ({ name: `${i + 1}`, address: `127.0.0.1:${port}` })),
        reload: { http: 'http://{address}/reload/{name}' },
        health: { url: 'http://{address}/healthz/{name}' },
      };
      const keyset = { alg: 'ES256', maxTokenTtl: '1h', publish: [{ file: jwks }], services: [service] };
      const config = configure(folder, { ...localKeys(folder), keysets: { api: keyset } });
      const confirmed = [];
      const note = (line) => line.endsWith(' confirmed') && confirmed.push(monotonic());
      const { code, peak } = await usageOf(folder, ['rotate', '--verbose', '--config', config], ' reloading', note);
      if (code !== 0) throw new Error(`jwtrot rotate ended with ${code}`);
      const late = (confirmed[COUNT - 1] - (await last)) / 1000;
      const detail = `${COUNT} instances, the slowest takes ${SLOWEST / 1000} s`;
      return {
        figures: [
          { name: 'memory, fleet', value: peak, limit: MIB, unit: 'MiB', detail: `peak; ${detail}` },
          { name: 'lag, fleet', value: late, limit: LAG, unit: 's', detail: `all confirmed after the last; ${detail}` },
        ],
      };
    } finally {
      await end();
    }
  });
}

/** `last`: when the last instance first reported its new keys, by the clock of `monotonic`. */
async function start(options) {
  const child = fork(SERVICE, [JSON.stringify(options)]);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const message = (type) =>
    new Promise((resolve) => child.on('message', (sent) => sent.type === type && resolve(sent)));
  const last = message('last').then(({ at }) => Number(BigInt(at)) / 1e6);
  const { port } = await message('listening');
  const end = () => {
    child.kill('SIGKILL');
    return ended;
  };
  return { port, last, end };
}
