// A dependent service. On SIGHUP it reads its keys, and `reloadMs` later it reports them and tells its parent process.
// Options (argv[2], JSON): reloadMs, ignoreReload, pidFile, source. The source is { jwks, key } (files), { endpoint,
// manifest } (jwtrot's secrets) or { endpoint, secret } (the shell script's one secret).
import { createPrivateKey } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { callAws } from './aws.js';

const { reloadMs = 0, ignoreReload = false, pidFile, source } = JSON.parse(process.argv[2] ?? '{}');
const state = { kid: null, kids: [] };

const SOURCES = {
  files: () => ({
    kids: parsed(source.jwks)?.keys.map((jwk) => jwk.kid) ?? [],
    kid: source.key === undefined ? null : (parsed(source.key)?.kid ?? null),
  }),
  /** Reads its keys as docs/aws.md tells a signer to. */
  async manifest() {
    const { keys } = await secret(source.manifest);
    const active = keys?.find((key) => key.state === 'active');
    return active === undefined
      ? { kid: null }
      : unwrapped(await secret(`${source.manifest}/${active.thumbprint}/private`));
  },
  secret: async () => unwrapped(await secret(source.secret)),
};

function parsed(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

async function secret(name) {
  const input = { SecretId: name, VersionStage: 'AWSCURRENT' };
  return JSON.parse((await callAws(source.endpoint, 'secretsmanager.GetSecretValue', input)).SecretString);
}

async function unwrapped({ kid, ciphertext, context }) {
  const input = { CiphertextBlob: ciphertext, EncryptionContext: context };
  const { Plaintext } = await callAws(source.endpoint, 'TrentService.Decrypt', input);
  const key = Buffer.from(Plaintext, 'base64');
  createPrivateKey(context === undefined ? key : { key, format: 'der', type: 'pkcs8' });
  return { kid };
}

async function load() {
  const read = SOURCES['jwks' in source ? 'files' : 'manifest' in source ? 'manifest' : 'secret'];
  const [held] = await Promise.all([read(), wait(reloadMs)]);
  Object.assign(state, held);
  const at = String(process.hrtime.bigint());
  process.send?.({ type: 'holds', ...state, at });
}

await load().catch(() => {});
process.on('SIGHUP', () => {
  if (!ignoreReload) load().catch((error) => console.error(`bench service: ${error.message}`));
});
process.on('disconnect', () => process.exit(0));

const server = createServer((_, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(state));
});
server.listen(0, '127.0.0.1', () => {
  writeFileSync(`${pidFile}.new`, `${process.pid}\n`);
  renameSync(`${pidFile}.new`, pidFile);
  process.send?.({ type: 'listening', port: server.address().port });
});
