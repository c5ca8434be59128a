import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { parse } from 'yaml';
import { freePort } from '../../e2e/world.js';
import { type Changes, changed, PYTHON } from '../../languages/programs.js';
import { OWN_CACHE, type Place, type SignerKind, type VerifierKind } from '../party.js';
import { answerOf, livesAs, Process, statusOf } from '../process.js';
import { example } from '../web.js';

const WORKERS = 3;

const versions = () =>
  execFileSync(
    PYTHON,
    [
      '-c',
      'import fastapi, jwt, uvicorn; print(f"PyJWT {jwt.__version__}, FastAPI {fastapi.__version__}, uvicorn {uvicorn.__version__}")',
    ],
    { encoding: 'utf8' },
  ).trim();

/** A program of examples/fastapi, as the first line of it starts it. */
async function uvicorn(place: Place, name: 'issuer' | 'verifier', changes: Changes): Promise<Process> {
  const port = await freePort();
  const folder = place.world.folderFor(name);
  const program = example(`fastapi/${name}.py`);
  writeFileSync(`${folder}/${name}.py`, changed(program, changes));
  const [, command = ''] = /^""".*? {2}uvicorn (.*)"""$/m.exec(program) ?? [];
  const args = command.replace(/--port \d+/, `--port ${port}`).replace(/--workers \d+/, `--workers ${WORKERS}`);
  return new Process({ command: [PYTHON, '-m', 'uvicorn', ...args.split(' ')], folder, port });
}

/** What the example's jwtrot.yaml says of one of the two, on another port. */
function serviceOf(role: 'signer' | 'verifier', { options: { port } }: Process): { health: object } {
  const service = parse(example('fastapi/jwtrot.yaml')).keysets.api.services.find(
    (one: { role: string }) => one.role === role,
  );
  const url = changed(service.health.url, [[role === 'signer' ? ':8000' : ':8001', `:${port}`]]);
  return { ...service, health: { ...service.health, url } };
}

export const verifier: VerifierKind = {
  name: 'FastAPI, PyJWKClient',
  role: 'verifier',
  reads: 'url',
  withoutJwks: 503,
  servedTooLong: 'accepts',
  version: versions,
  async open(place) {
    const server = await uvicorn(place, 'verifier', [
      ['https://id.example/.well-known/jwks.json', place.jwksUrl],
      ['LIFESPAN = 60', `LIFESPAN = ${OWN_CACHE}`],
    ]);
    return {
      service(deadline) {
        const service = serviceOf('verifier', server);
        const distinct = { pointer: '/worker', count: WORKERS };
        return { ...service, health: { ...service.health, distinct, deadline } };
      },
      check: (token) => statusOf(server.url('/orders'), token),
      ...livesAs(server),
    };
  },
};

export const signer: SignerKind = {
  name: 'FastAPI, PyJWT',
  role: 'signer',
  version: versions,
  async open(place) {
    const server = await uvicorn(place, 'issuer', [
      ['/run/jwtrot/api.jwk', place.key],
      ['/srv/jwks/jwks.json', place.jwks],
    ]);
    return {
      service(deadline) {
        const service = serviceOf('signer', server);
        const reload = { signal: 'HUP', pidFile: server.pidFile, timeout: '2s' };
        return { ...service, reload, health: { ...service.health, deadline } };
      },
      async mint() {
        const { status, body } = await answerOf(server.url('/token'));
        return status === 200 ? String(JSON.parse(body).access_token) : null;
      },
      ...livesAs(server),
    };
  },
};
