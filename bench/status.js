// Measures what `jwtrot status` costs beyond starting Node, on a local store, with and without a configuration file.
import { existsSync } from 'node:fs';
import { COMMAND, cleanEnv, configure, inFolder, inTurn, localKeys, time } from './measure.js';

const ROUNDS = 25;
const LIMIT = 1.6;
/** If it exists, no run is without a configuration. */
const OF_THE_HOST = '/etc/jwtrot/jwtrot.yaml';

/** @returns {Promise<import('./measure.js').Section>} */
export function status() {
  return inFolder(async (folder) => {
    const config = configure(folder, { ...localKeys(folder), keysets: { api: { maxTokenTtl: '7d' } } });
    const env = cleanEnv(folder);
    const run = (...args) => time(process.execPath, args, env);
    const kinds = [{ name: 'status, configured', options: ['--config', config] }];
    if (!existsSync(OF_THE_HOST)) kinds.push({ name: 'status, built-in', options: [] });
    // Make keys to show, and fill the page cache.
    for (const { options } of kinds) run(COMMAND, 'rotate', ...options);
    const bare = () => run('-e', '0');
    const [base, ...took] = await inTurn(ROUNDS, [
      bare,
      ...kinds.map(
        ({ options }) =>
          () =>
            run(COMMAND, 'status', ...options),
      ),
    ]);
    const slowed =
      env.NODE_EXTRA_CA_CERTS === undefined ? '' : ', both with NODE_EXTRA_CA_CERTS, which slows each start';
    const figures = kinds.map(({ name }, index) => ({
      name,
      value: took[index] / base,
      limit: LIMIT,
      unit: 'x',
      detail: `${took[index].toFixed(0)} ms, node -e 0 ${base.toFixed(0)} ms${slowed}; medians of ${ROUNDS}`,
    }));
    return { figures };
  });
}
