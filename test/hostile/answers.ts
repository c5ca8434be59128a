import type { OutletName } from './places.js';
import type { Handler } from './services.js';
import { GARBAGE, HUGE, manyKids, PROTOTYPES } from './things.js';

/** What a service may say in the place of an answer. */
export interface Answer {
  readonly name: string;
  readonly handler: Handler;
}

const says = (body: string | Buffer): Handler => {
  return (_, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(body);
  };
};

export const ANSWERS: readonly Answer[] = [
  { name: 'none', handler: () => {} },
  { name: 'no end', handler: (_, response) => forEver(() => response.write('x'.repeat(65_536)), response, 5) },
  { name: 'drop by drop', handler: (_, response) => forEver(() => response.write('{'), response, 200) },
  { name: 'garbage', handler: says(GARBAGE) },
  { name: 'huge numbers', handler: says(`{"kid":${HUGE},"kids":[${HUGE}],"keys":[{"kid":${HUGE},"kty":"EC"}]}`) },
  { name: 'prototypes', handler: says(PROTOTYPES) },
  { name: '10 MB of kids', handler: (request, response) => says(manyKids())(request, response) },
  { name: 'redirect', handler: (request, response) => response.writeHead(302, { location: request.url }).end() },
  { name: 'hangs up', handler: (request) => request.socket.destroy() },
  { name: 'lies', handler: says('{"kid":"other","kids":["other"],"keys":[]}') },
];

function forEver(write: () => unknown, response: { once(event: 'close', done: () => void): unknown }, pause: number) {
  write();
  const timer = setInterval(write, pause);
  response.once('close', () => clearInterval(timer));
}

/** Who is asked, and what names it. */
export interface Route {
  readonly name: string;
  readonly route: string;
  readonly label: string;
}

export const ROUTES: readonly Route[] = [
  { name: 'JWKS URL', route: '/jwks', label: '/jwks' },
  { name: 'issuer', route: '/issuer/healthz', label: 'issuer' },
  { name: "issuer's reload", route: '/issuer/reload', label: 'issuer' },
  { name: 'gateway', route: '/gateway/healthz', label: 'gateway' },
  { name: 'edge', route: '/edge/healthz', label: 'edge' },
];

/** What a program may do that is started. */
export interface Conduct {
  readonly name: string;
  /** For a POSIX shell. */
  readonly script: string;
  /** It says that all went well: whoever trusts the program has nothing else to go by. */
  readonly lies?: true;
}

export const CONDUCTS: readonly Conduct[] = [
  { name: 'hangs', script: 'trap "" TERM; sleep 600 & wait; sleep 600' },
  { name: 'does not end its output', script: 'while :; do echo "[{"; done' },
  { name: 'leaves a child with its output', script: 'sleep 20 & echo "[]"', lies: true },
  { name: 'garbage', script: `printf '\\033[2J\\033]0;x\\007\\302\\233\\0\\377'; printf '\\033[2J' >&2; exit 3` },
  { name: 'huge numbers', script: `echo '[{"name":${HUGE},"address":"localhost:${HUGE}"}]'`, lies: true },
  { name: 'prototypes', script: `echo '[{"__proto__":{"name":"a"},"constructor":"b"},"__proto__"]'`, lies: true },
  { name: '10 MB of names', script: `yes '{"name":"k"},' | head -c 10485760`, lies: true },
  { name: 'is killed', script: 'kill -9 $$' },
];

export interface Program {
  readonly name: string;
  readonly program: 'publish' | 'list';
  readonly label: string;
  readonly sick: readonly OutletName[];
}

export const PROGRAMS: readonly Program[] = [
  { name: 'publish command', program: 'publish', label: 'command publish', sick: ['command'] },
  { name: 'instances command', program: 'list', label: 'edge', sick: [] },
];
