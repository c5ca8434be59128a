// Bundles src/ into dist/. One file has what every start needs; the rest is loaded on demand, so that `status` does not
// load the AWS clients. Dependencies are bundled too: operators install exactly what was tested.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { builtins } from './builtins.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
// The build goes here, then replaces dist/ as a whole. A command that starts meanwhile finds the old or the new one.
const fresh = join(root, `dist.${process.pid}`);
process.on('exit', () => rmSync(fresh, { recursive: true, force: true }));

/** Every file that a bundle read, even if none of its code is used. */
const sources = [];

/**
 * @param input the entry: its name in dist/ and its file
 * @param chunks the folder of what is loaded on demand
 * @param groups which modules lie together in one file
 */
async function build(input, chunks, groups) {
  const bundle = await rolldown({
    cwd: root,
    input,
    platform: 'node',
    transform: { target: 'node20.19' },
    // The same parser as ES modules is 30 KB smaller and needs no wrapper around each of its hundred files.
    resolve: { alias: { yaml: join(root, 'node_modules/yaml/browser/index.js') } },
    plugins: [
      builtins,
      {
        name: 'sources',
        buildEnd() {
          sources.push(...this.getModuleIds());
        },
      },
    ],
  });
  await bundle.write({
    dir: fresh,
    // CommonJS, since Node's loader of ES modules takes a tenth of a start before our first line runs.
    format: 'cjs',
    exports: 'named',
    // A dynamic import of a built-in module would load the loader of ES modules after all.
    dynamicImportInCjs: false,
    entryFileNames: '[name].cjs',
    chunkFileNames: `${chunks}/[name]-[hash].cjs`,
    // Top-level names stay as they are for the stack traces of --debug. ASCII, since any other text makes V8 store a source
    // as UTF-16.
    minify: { compress: true, mangle: { toplevel: false }, codegen: { removeWhitespace: true, asciiOnly: true } },
    comments: false,
    codeSplitting: { groups },
  });
  await bundle.close();
}

// A start loads one file, and a second one if there is a configuration: finding a file takes longer than reading it.
const start = { name: 'start', tags: ['$initial'] };
const configuration = { name: 'configuration', test: /[\\/](?:src[\\/]config|node_modules[\\/]yaml)[\\/]/ };
await build({ main: 'src/cli/main.ts' }, 'chunks', [start, configuration]);
// The keyring shares no file with the command: neither loads a line more for the other's sake.
await build({ index: 'src/keyring/index.ts' }, 'keyring', [start, configuration]);
writeFileSync(join(fresh, 'index.d.cts'), declarations());

/** The types for services, in one file: `public.ts` and `keyring-error.ts` import nothing, `index.ts` adds the function. */
function declarations() {
  const folder = join(fresh, 'types');
  const project = join(root, 'tsconfig.json');
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const config = join(root, `tsconfig.${process.pid}.json`);
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: 'src',
    outDir: folder,
  };
  writeFileSync(config, JSON.stringify({ extends: project, compilerOptions, include: ['src/keyring/index.ts'] }));
  try {
    execFileSync(process.execPath, [tsc, '--project', config], { stdio: 'inherit' });
  } finally {
    rmSync(config, { force: true });
  }
  const read = (name) => readFileSync(join(folder, 'keyring', `${name}.d.ts`), 'utf8');
  const own = read('index').replace(/^(?:import|export) .* from .*\n/gm, '');
  const text = [read('public'), read('keyring-error'), own].join('');
  if (/^\s*import /m.test(text) || !own.includes('function openKeyring'))
    throw new Error('src/keyring/public.ts and keyring-error.ts must import nothing');
  rmSync(folder, { recursive: true });
  return text;
}

/** The published package must contain the licence text of every bundled package. */
function licences(files) {
  const packages = new Map();
  for (const file of files) {
    const folder = file.match(/^(.*node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/)?.[1];
    if (folder) packages.set(folder, JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  }
  const byText = new Map();
  for (const [folder, { name, version, license }] of [...packages].sort(([, a], [, b]) =>
    a.name.localeCompare(b.name),
  )) {
    const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.(md|txt))?$/i.test(entry));
    const text =
      file === undefined ? 'No licence file in the package.' : readFileSync(join(folder, file), 'utf8').trim();
    byText.set(text, [...(byText.get(text) ?? []), `${name} ${version} (${license})`]);
  }
  return [...byText].map(([text, names]) => `${names.join('\n')}\n\n${text}\n`).join(`\n${'-'.repeat(78)}\n\n`);
}
writeFileSync(join(fresh, 'THIRD-PARTY-LICENSES.txt'), licences(sources));

const former = `${fresh}.former`;
if (existsSync(dist)) renameSync(dist, former);
renameSync(fresh, dist);
rmSync(former, { recursive: true, force: true });
