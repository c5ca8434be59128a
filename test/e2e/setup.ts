import { execFileSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const inRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The real command is tested as it is built. What else is started hundreds of times is one file each. */
export default async function setup(): Promise<void> {
  // Two projects need it.
  if (process.env['JWTROT_TEST_BUILT'] === String(process.pid)) return;
  execFileSync(process.execPath, [inRoot('scripts/build.js')], { stdio: 'inherit' });
  await Promise.all([
    bundle('test/e2e/service.js', 'service'),
    bundle('test/e2e/warm/runner.ts', 'runner', [withoutCollections]),
  ]);
  process.env['JWTROT_TEST_BUILT'] = String(process.pid);
}

/**
 * A process that runs hundreds of commands does not collect its garbage after each use of a key: that is a quarter of its
 * time. `memory.test.ts` looks at processes of their own.
 */
const withoutCollections: Plugin = {
  name: 'without collections',
  setup({ onLoad, onEnd }) {
    let isLeftOut = false;
    onLoad({ filter: /\/src\/outside\/key-objects\.ts$/ }, () => {
      isLeftOut = true;
      return { contents: 'export const dropKeyObjectsSoon = () => {};' };
    });
    onEnd(() => (isLeftOut ? {} : { errors: [{ text: 'src/outside/key-objects.ts is not there any more' }] }));
  },
};

async function bundle(entry: string, name: string, plugins: Plugin[] = []): Promise<void> {
  const file = inRoot(`node_modules/.cache/jwtrot/${name}.cjs`);
  const fresh = `${file}.${process.pid}`;
  await build({
    entryPoints: [inRoot(entry)],
    outfile: fresh,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'error',
    plugins,
  });
  // What starts meanwhile finds the one or the other.
  renameSync(fresh, file);
}
