// Compares a forced rotation with a shell script that does the same by hand. Both make an RSA-2048 key, encrypt it with
// KMS and store it in Secrets Manager. One signer takes 50 ms to reload (it reads and unwraps its key). Both end when it
// reports the kid.
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { awsEnv, callAws } from './aws.js';
import { COMMAND, cleanEnv, configure, inFolder, inTurn, monotonic } from './measure.js';
import { withMoto } from './moto.js';
import { entry, withService } from './services.js';

const SCRIPT = fileURLToPath(new URL('rotate.sh', import.meta.url));
const RELOAD_MS = 50;
const ROUNDS = 5;
const LIMIT = 0.4;

/** @returns {Promise<import('./measure.js').Section>} */
export async function rotation() {
  const missing = ['aws', 'openssl', 'curl'].find((program) => find(program) === null);
  if (missing !== undefined) return { figures: [], skipped: `rotation on moto: ${missing} is not on the PATH` };
  const figures = await withMoto((endpoint) => inFolder((folder) => compare(endpoint, folder)));
  return figures === null ? { figures: [], skipped: 'rotation on moto: moto_server is not on the PATH' } : { figures };
}

async function compare(endpoint, folder) {
  const { KeyMetadata } = await callAws(endpoint, 'TrentService.CreateKey', {});
  const site = { endpoint, folder, keyId: KeyMetadata.KeyId, env: cleanEnv(folder, awsEnv(endpoint)) };
  const [ours, theirs] = await inTurn(ROUNDS, [(round) => byJwtrot(site, round), (round) => byScript(site, round)]);
  const detail = `jwtrot ${(ours / 1000).toFixed(2)} s, rotate.sh ${(theirs / 1000).toFixed(2)} s; medians of ${ROUNDS}`;
  return [{ name: 'rotation / script', value: ours / theirs, limit: LIMIT, unit: 'x', detail }];
}

/** Rotates a keyset that already has a key. */
function byJwtrot({ endpoint, folder, keyId, env }, round) {
  const prefix = `bench-${round}`;
  const source = { endpoint, manifest: `${prefix}/api` };
  return withService({ reloadMs: RELOAD_MS, source, pidFile: join(folder, `ours-${round}`) }, async (service) => {
    const keyset = { maxTokenTtl: '1h', services: [entry('signer', service, { deadline: '20s' })] };
    const config = configure(folder, {
      store: { type: 'secrets-manager', prefix },
      wrap: { type: 'kms', keyId },
      keysets: { api: keyset },
    });
    await took(process.execPath, [COMMAND, 'rotate', '--config', config], env);
    return took(process.execPath, [COMMAND, 'rotate', '--immediate', '--config', config], env);
  });
}

async function byScript({ endpoint, folder, keyId, env }, round) {
  const secret = `bench-script-${round}`;
  await callAws(endpoint, 'secretsmanager.CreateSecret', {
    Name: secret,
    SecretString: '{}',
    ClientRequestToken: `${'0'.repeat(40)}`,
  });
  const source = { endpoint, secret };
  const pidFile = join(folder, `theirs-${round}`);
  return withService({ reloadMs: RELOAD_MS, source, pidFile }, ({ port, pid }) => {
    const PATH = [dirname(find('aws') ?? ''), env.PATH].join(delimiter);
    return took(SCRIPT, [secret, keyId, String(pid), `http://127.0.0.1:${port}/healthz`], { ...env, PATH });
  });
}

/** @returns {Promise<number>} wall time in ms. It does not block this process, which the service and moto need */
async function took(program, args, env) {
  const began = monotonic();
  const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const code = await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject));
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${stderr}`);
  return monotonic() - began;
}

/** @returns {string | null} */
function find(program) {
  const places = (process.env.PATH ?? '').split(delimiter).map((place) => join(place, program));
  const found = places.find((place) => isExecutable(place));
  if (found === undefined) return null;
  // Avoid a pyenv shim: it takes 0.1 s a call, which is not the script's fault.
  const real = found.includes('/shims/')
    ? spawnSync('pyenv', ['which', program], { encoding: 'utf8' }).stdout?.trim()
    : '';
  return real || found;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
