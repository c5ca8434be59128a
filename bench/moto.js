// Runs moto (https://docs.getmoto.org), an independent AWS emulator, on a free loopback port.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { monotonic } from './measure.js';

const READY_WITHIN = 30_000;

/** @returns {Promise<T | null>} null when moto_server is not on the PATH @template T */
export async function withMoto(work) {
  const port = await freePort();
  // In its own process group: moto_server may be a wrapper around the process that listens.
  const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore', detached: true });
  const failure = await new Promise((resolve) => child.once('spawn', () => resolve(null)).once('error', resolve));
  if (failure?.code === 'ENOENT') return null;
  if (failure) throw failure;
  const end = () => {
    try {
      process.kill(-child.pid, 'SIGTERM');
    } catch {
      // moto has ended already.
    }
  };
  // In its own group moto doesn't get the Ctrl-C that ends this process.
  process.once('exit', end);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  try {
    const endpoint = `http://127.0.0.1:${port}`;
    await answering(endpoint);
    return await work(endpoint);
  } finally {
    end();
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function answering(endpoint) {
  const until = monotonic() + READY_WITHIN;
  while (monotonic() < until) {
    const page = fetch(`${endpoint}/moto-api/`, { signal: AbortSignal.timeout(2_000) });
    if (
      await page.then(
        (reply) => reply.ok,
        () => false,
      )
    )
      return;
    await wait(100);
  }
  throw new Error(`moto_server did not answer within ${READY_WITHIN / 1000} s`);
}
