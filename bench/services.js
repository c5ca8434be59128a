// Starts bench/service.js, and ends it.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const SERVICE = fileURLToPath(new URL('service.js', import.meta.url));

/**
 * @param {object} options see service.js
 * @param {(service: { port: number, pid: number, pidFile: string, onHolds: (listen: Function) => void }) => Promise<T>} work
 * @returns {Promise<T>}
 * @template T
 */
export async function withService(options, work) {
  const child = fork(SERVICE, [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    const port = await new Promise((resolve, reject) => {
      child.on('message', (message) => message.type === 'listening' && resolve(message.port));
      child.once('exit', (code) => reject(new Error(`the service ended with ${code} before it listened`)));
    });
    const onHolds = (listen) => child.on('message', (message) => message.type === 'holds' && listen(message));
    return await work({ port, pid: child.pid, pidFile: options.pidFile, onHolds });
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

/** The service's entry in a configuration. */
export const entry = (role, { port, pidFile }, health = {}) => ({
  name: 'api',
  role,
  reload: { signal: 'HUP', pidFile },
  health: { url: `http://127.0.0.1:${port}/healthz`, ...health },
});
