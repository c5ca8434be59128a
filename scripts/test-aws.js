// Runs the suites of the AWS store and wrapper against moto (https://docs.getmoto.org), an independent AWS emulator. It
// uses the server at $JWTROT_TEST_AWS_ENDPOINT, or else starts `moto_server` on a free loopback port and ends it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const READY_WITHIN = 60_000;

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** @returns the endpoint, and a function that ends moto */
async function startMoto() {
  const port = await freePort();
  // In its own process group: moto_server may be a wrapper around the process that listens.
  const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore', detached: true });
  const failed = new Promise((_, reject) => {
    child.once('error', (error) => {
      reject(
        error.code === 'ENOENT'
          ? new Error(
              "moto_server is not on the PATH\nhint: pip install 'moto[server]', or set JWTROT_TEST_AWS_ENDPOINT",
            )
          : error,
      );
    });
    child.once('exit', (code, signal) => reject(new Error(`moto_server ended (${signal ?? code}) before it answered`)));
  });
  const end = () => {
    try {
      process.kill(-child.pid, 'SIGTERM');
    } catch {
      // moto has ended already.
    }
  };
  const endpoint = `http://127.0.0.1:${port}`;
  try {
    await Promise.race([answering(endpoint), failed]);
  } catch (error) {
    if (child.pid !== undefined) end();
    throw error;
  }
  failed.catch(() => {});
  return { endpoint, end };
}

async function answering(endpoint) {
  const until = performance.now() + READY_WITHIN;
  while (performance.now() < until) {
    const ok = await fetch(`${endpoint}/moto-api/`, { signal: AbortSignal.timeout(2_000) }).then(
      (reply) => reply.ok,
      () => false,
    );
    if (ok) return;
    await wait(200);
  }
  throw new Error(`moto_server did not answer at ${endpoint} within ${READY_WITHIN / 1000} s`);
}

async function runSuites(endpoint) {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--config', 'test/aws/moto.config.ts', ...process.argv.slice(2)];
  const env = {
    ...process.env,
    JWTROT_TEST_AWS_ENDPOINT: endpoint,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  };
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env });
  const [code] = await once(child, 'exit');
  return code ?? 1;
}

try {
  const given = process.env.JWTROT_TEST_AWS_ENDPOINT;
  const moto = given ? { endpoint: given, end: () => {} } : await startMoto();
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      moto.end();
      process.exit(1);
    });
  }
  try {
    process.exitCode = await runSuites(moto.endpoint);
  } finally {
    moto.end();
  }
} catch (error) {
  console.error(`test:aws: ${error.message}`);
  process.exitCode = 1;
}
