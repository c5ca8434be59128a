import { parse } from 'yaml';
import type { RotateDocument } from '../e2e/fixtures.js';
import { World } from '../e2e/world.js';
import { type Changes, changed, LANGUAGES, type Language, PAGE, type Program, startProgram } from './programs.js';

/** How services learn of new keys: they look each second, or jwtrot sends a signal and they look by themselves once an hour. */
export type Way = 'look' | 'signal';

export interface Site {
  readonly world: World;
  readonly signers: readonly Program[];
  readonly verifiers: readonly Program[];
  readonly jwks: string;
  readonly key: string;
  /** Runs jwtrot, which must succeed. */
  run(...args: string[]): Promise<RotateDocument['keysets'][number]>;
  close(): Promise<void>;
}

/** What makes a program look once an hour. */
const SELDOM: Readonly<Record<'signer' | 'verifier', Readonly<Record<Language, Changes>>>> = {
  signer: { python: [['EVERY = 1 ', 'EVERY = 3600 ']], go: [['every    = time.Second', 'every    = time.Hour']] },
  verifier: { python: [['else 1 ', 'else 3600 ']], go: [['fileEvery  = time.Second', 'fileEvery  = time.Hour']] },
};

interface Service {
  readonly name: string;
  readonly role: 'signer' | 'verifier';
  readonly reload: object;
  readonly health: object;
}

/** A signer and a verifier in each language, under the configuration of the page. */
export async function openSite(alg: string, way: Way): Promise<Site> {
  const world = new World();
  const folders: Changes = [
    ['/srv/jwks', world.folderFor('public')],
    ['/run/jwtrot', world.folderFor('private')],
  ];
  const programs: Program[] = [];
  const start = async (language: Language, role: 'signer' | 'verifier') => {
    const place = role === 'signer' ? folders : folders.slice(0, 1);
    const changes = way === 'look' ? place : [...place, ...SELDOM[role][language]];
    const program = await startProgram(language, role, world.path(`${language}-${role}`), changes);
    programs.push(program);
    return program;
  };
  const close = async () => {
    await Promise.all(programs.map((program) => program.end()));
    await world.close();
  };
  try {
    const signers = await Promise.all(LANGUAGES.map((language) => start(language, 'signer')));
    const verifiers = await Promise.all(LANGUAGES.map((language) => start(language, 'verifier')));
    world.configure(configuration({ world, signers, verifiers }, folders, { alg, way }));
    const run: Site['run'] = async (...args) => {
      const { code, document, stderr } = await world.json<RotateDocument>(args);
      if (code !== 0)
        throw new Error(`jwtrot ${args.join(' ')} ended with ${code}: ${stderr}${JSON.stringify(document)}`);
      return document.keysets[0] as RotateDocument['keysets'][number];
    };
    const [jwks, key] = [world.path('public/jwks.json'), world.path('private/api.jwk')];
    return { world, signers, verifiers, jwks, key, run, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The page's own, with a service of each language where it has one. */
function configuration(
  { world, signers, verifiers }: Pick<Site, 'world' | 'signers' | 'verifiers'>,
  folders: Changes,
  { alg, way }: { alg: string; way: Way },
): object {
  const [yaml = ''] = PAGE.text.match(/(?<=^```yaml\n)keysets:\n[\s\S]*?(?=^```$)/m) ?? [];
  const { keysets } = parse(changed(yaml, [...folders, [', group: issuer, mode: "0440"', ', allowDisk: true']]));
  const services = (keysets.api.services as Service[]).flatMap(({ name, role, reload }) =>
    (role === 'signer' ? signers : verifiers).map((program, i) => ({
      name: `${name}-${LANGUAGES[i]}`,
      role,
      reload: way === 'look' ? reload : { signal: 'HUP', pid: program.pid },
      health: { url: `http://127.0.0.1:${program.port}/healthz`, deadline: '15s' },
    })),
  );
  return {
    store: { type: 'directory', path: world.path('store') },
    wrap: { type: 'local', kek: { file: world.path('kek') } },
    keysets: { api: { ...keysets.api, alg, maxTokenTtl: '10m', services } },
  };
}
