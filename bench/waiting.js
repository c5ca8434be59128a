// Measures the cost of waiting 30 s for a service that never confirms.
import { join } from 'node:path';
import { configure, inFolder, localKeys, usageOf } from './measure.js';
import { entry, withService } from './services.js';

const WAIT = 30;
const MIB = 80;
const CPU = 0.5;
const UNCONFIRMED = 4;

/** @returns {Promise<import('./measure.js').Section>} */
export function waiting() {
  return inFolder(async (folder) => {
    const source = { jwks: join(folder, 'jwks.json') };
    const { code, took, peak, cpu, before } = await withService(
      { ignoreReload: true, source, pidFile: join(folder, 'pid') },
      (service) => {
        const services = [entry('verifier', service, { deadline: `${WAIT}s` })];
        const keyset = { maxTokenTtl: '1h', publish: [{ file: source.jwks }], services };
        const config = configure(folder, { ...localKeys(folder), keysets: { api: keyset } });
        return usageOf(folder, ['rotate', '--config', config], ' reloading');
      },
    );
    if (code !== UNCONFIRMED || took < WAIT * 1000)
      throw new Error(`it ended with ${code} after ${took.toFixed(0)} ms`);
    const detail = `the whole run of ${(took / 1000).toFixed(1)} s, local store`;
    const apart = `from the reload to the end; start and an RSA key before it ${before.toFixed(2)} s`;
    return {
      figures: [
        { name: 'memory, waiting', value: peak, limit: MIB, unit: 'MiB', detail: `peak of ${detail}` },
        { name: 'CPU, waiting', value: cpu - before, limit: CPU, unit: 's', detail: `user and system, ${apart}` },
      ],
    };
  });
}
