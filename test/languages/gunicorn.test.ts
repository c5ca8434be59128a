import { writeFileSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { freePort, until, World } from '../e2e/world.js';
import { type Changes, changed, PAGE, type Program, PYTHON, programOf, started } from './programs.js';

const COMMAND = PAGE.command('gunicorn', 'gunicorn');
const HEALTH = /^ +health: .*distinct.*$/m.exec(PAGE.section('gunicorn'))?.[0] ?? '';

/** `signer.py` and `app.py` under the command of the page. */
async function startWorkers(world: World, port: number): Promise<Program> {
  const folder = world.folderFor('app');
  const place: Changes = [
    ['/run/jwtrot', world.folderFor('private')],
    ['/srv/jwks', world.folderFor('public')],
  ];
  writeFileSync(`${folder}/signer.py`, changed(programOf('signer.py'), place));
  writeFileSync(`${folder}/app.py`, programOf('app.py'));
  const [, ...args] = changed(COMMAND, [['8080', String(port)]]).split(' ');
  return started([PYTHON, '-m', 'gunicorn', ...args], folder, port);
}

it('gunicorn: jwtrot waits for each worker', async () => {
  const world = new World();
  const port = await freePort();
  const app = await startWorkers(world, port);
  onTestFinished(async () => {
    await app.end();
    await world.close();
  });
  const { health } = parse(changed(HEALTH, [['8080', String(port)]]));
  world.configure({
    store: { type: 'directory', path: world.path('store') },
    wrap: { type: 'local', kek: { file: world.path('kek') } },
    keysets: {
      api: {
        alg: 'ES256',
        maxTokenTtl: '1h',
        publish: [{ file: world.path('public/jwks.json') }],
        deliver: [{ file: world.path('private/api.jwk'), format: 'jwk', allowDisk: true }],
        services: [{ name: 'issuer', role: 'signer', reload: { none: true }, health }],
      },
    },
  });
  const workers = new Set<number>();
  const askAll = async () => {
    workers.clear();
    const kids = new Set<string | undefined>();
    await until(async () => {
      const { body } = await app.get('/healthz');
      kids.add(body.kid);
      workers.add(body.worker ?? 0);
      return workers.size >= health.distinct.count;
    }, 'each worker has answered');
    return [...kids];
  };
  expect(await askAll()).toEqual([undefined]);

  for (const args of [['rotate'], ['rotate', '--immediate']]) {
    const { code, document, stderr } = await world.json<{ keysets: { active: string }[] }>(args);
    expect([code, stderr]).toEqual([0, expect.anything()]);
    expect(await askAll()).toEqual([document.keysets[0]?.active]);
  }
  expect(workers.size).toBe(4);
  expect(workers).not.toContain(app.pid);

  const former = [...workers];
  process.kill(app.pid, 'SIGHUP');
  await until(async () => {
    await askAll();
    return former.every((worker) => !workers.has(worker));
  }, 'new workers');
  expect((await app.get('/token')).status).toBe(200);
});
