import { JwtrotError } from '../keyset/basics/error.js';
import { forbidCoreDumps } from '../outside/core-dumps.js';

/** Call it before the first byte of a private key is read. @throws JwtrotError `debugger-open` */
export async function shieldMemory(): Promise<void> {
  await refuseDebugger();
  await forbidCoreDumps();
}

/**
 * Any user of this machine may connect to Node's debugger. `--inspect` opens it, which NODE_OPTIONS may bring in from a
 * file such as /etc/environment. So does a SIGUSR1 in the moment before bin/jwtrot.js begins.
 * @throws JwtrotError `debugger-open`
 */
export async function refuseDebugger(): Promise<void> {
  // A Node that was built without the inspector has none to open.
  const inspector = await import('node:inspector').catch(() => null);
  if (inspector?.url() === undefined) return;
  throw new JwtrotError(
    'refused',
    'debugger-open',
    "a debugger's port of this very process is open: whoever connects to it reads private keys; nothing was done",
    { hint: 'run it without --inspect, in NODE_OPTIONS too' },
  );
}
