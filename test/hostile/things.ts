import { execFileSync, spawn } from 'node:child_process';
import {
  chownSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { IS_ROOT, STRANGER } from './site.js';

/** What somebody else may have put in the place of a file. */
export interface Thing {
  readonly name: string;
  /** @returns what takes away what is still running afterwards */
  readonly put: (path: string) => (() => void) | undefined;
  /** The path hangs, as on a server that has died. */
  readonly isDead?: true;
}

/** All bytes there are, and what a terminal would obey. */
export const GARBAGE = Buffer.concat([
  Buffer.from('\u001b[2J\u001b]0;owned\u0007\u202e\u061c\r\n<3>\u009b31m'),
  Buffer.from(Array.from({ length: 512 }, (_, i) => i & 255)),
]);
export const HUGE = '9'.repeat(400);
export const PROTOTYPES = JSON.stringify({
  ...JSON.parse('{"__proto__":{"kid":"polluted","keys":[]}}'),
  constructor: { prototype: { kid: 'polluted' } },
  toString: 'toString',
  kid: 'constructor',
  kids: ['__proto__', 'constructor', 'toString'],
  revision: '__proto__',
  keys: ['constructor', '__proto__', 'toString', 'hasOwnProperty'].map((kty) => ({
    kty,
    kid: kty,
    alg: kty,
    crv: kty,
  })),
}).replace('{', '{"__proto__":{"schema":1},');
const TEN_MB = 10 * 1024 * 1024;

/** A JWK Set, and a health answer, of ten megabytes. */
export function manyKids(): string {
  const kids = Array.from({ length: Math.ceil(TEN_MB / 48) }, (_, i) => `"${String(i).padStart(43, 'k')}"`);
  return `{"kids":[${kids.join(',')}],"keys":[{"kty":"EC","kid":${kids[0]}}]}`;
}

function instead(put: (path: string) => unknown): Thing['put'] {
  return (path) => {
    rmSync(path, { recursive: true, force: true });
    put(path);
    return undefined;
  };
}

/** The same with other bytes: owner and mode stay. */
function withText(change: (text: string) => string | Buffer): Thing['put'] {
  return (path) => {
    const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() === true;
    const text = change(isFile ? readFileSync(path, 'utf8') : '');
    if (!isFile) rmSync(path, { recursive: true, force: true });
    writeFileSync(path, text, { mode: 0o600 });
    return undefined;
  };
}

/** As root, outside of most containers, a device of our own, else a link to one. */
function device(path: string): void {
  try {
    execFileSync('mknod', [path, 'c', '1', '5'], { stdio: 'ignore' });
  } catch {
    symlinkSync('/dev/zero', path);
  }
}

function holdLock(path: string): () => void {
  const holder = spawn('flock', ['--exclusive', path, 'sleep', '60'], { stdio: 'ignore', detached: true });
  execFileSync('sh', ['-c', 'while flock --nonblock "$0" true; do sleep 0.02; done', path]);
  return () => {
    if (holder.pid !== undefined) process.kill(-holder.pid, 'SIGKILL');
  };
}

export const THINGS: readonly Thing[] = [
  { name: 'FIFO', put: instead((path) => execFileSync('mkfifo', ['-m', '600', path])) },
  {
    name: 'directory',
    put: instead((path) => {
      mkdirSync(path);
      writeFileSync(join(path, 'inside'), '');
    }),
  },
  { name: 'device', put: instead(device) },
  {
    name: 'endless',
    put: instead((path) => {
      writeFileSync(path, '{', { mode: 0o600 });
      truncateSync(path, 2 ** 40);
    }),
  },
  { name: 'lock held', put: holdLock },
  { name: 'garbage', put: withText(() => GARBAGE) },
  // With a quote at its end half of a program is none either.
  { name: 'half of it', put: withText((text) => `${text.slice(0, text.length / 2)}"`) },
  { name: 'link to /dev/zero', put: instead((path) => symlinkSync('/dev/zero', path)) },
  ...(IS_ROOT
    ? [
        {
          name: 'foreign',
          put: (path: string) => {
            if (statSync(path, { throwIfNoEntry: false }) === undefined) writeFileSync(path, '');
            chownSync(path, STRANGER, STRANGER);
            return undefined;
          },
        },
      ]
    : []),
  {
    name: 'huge numbers',
    put: withText((text) => (/^\s*\{/.test(text) ? text.replace(/(?<=[:,[]\s*)\d+(?=\s*[,}\]])/g, HUGE) : HUGE)),
  },
  { name: 'prototypes', put: withText(() => PROTOTYPES) },
  { name: '10 MB of kids', put: withText(manyKids) },
  { name: 'link to itself', put: instead((path) => symlinkSync(path, path)) },
  { name: 'dead', put: () => undefined, isDead: true },
];
