// What `jwtrot status` costs beyond starting Node at all.
import { COMMAND, cleanEnv, configure, inFolder, inTurn, localKeys, time } from './measure.js';

const ROUNDS = 30;
const LIMIT = 1.6;

/** @returns {Promise<import('./measure.js').Section>} */
export function status() {
  return inFolder(async (folder) => {
    const keyset = { maxTokenTtl: '7d' };
    const config = configure(folder, { ...localKeys(folder), keysets: { api: keyset } });
    const env = cleanEnv(folder);
    time(process.execPath, [COMMAND, 'rotate', '--config', config], env);
    const bare = () => time(process.execPath, ['-e', '0'], env);
    const asked = () => time(process.execPath, [COMMAND, 'status', '--config', config], env);
    // Once each: files into the page cache.
    bare();
    asked();
    const [base, took] = await inTurn(ROUNDS, [bare, asked]);
    const detail = `status ${took.toFixed(0)} ms, node -e 0 ${base.toFixed(0)} ms; medians of ${ROUNDS}`;
    return { figures: [{ name: 'status / bare node', value: took / base, limit: LIMIT, unit: 'x', detail }] };
  });
}
