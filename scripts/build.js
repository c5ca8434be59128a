// Bundles src/ into dist/. One file per lazily loaded part, so that `status` does not pay for the AWS clients.
// The dependencies are bundled: what an operator installs is exactly what was tested, and start-up is a figure.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { mergeStart } from './merge-start.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
// Made beside it and put in its place as a whole: a command that runs meanwhile finds the old one or the new one.
const fresh = join(root, `dist.${process.pid}`);
process.on('exit', () => rmSync(fresh, { recursive: true, force: true }));

/**
 * Node's own modules, taken as they are. An ESM import of one reads every export, so that `node:fs` loads all streams and
 * `node:crypto` all of WebCrypto: a third of a start. And commander loads child_process for subcommands that are programs
 * of their own: there are none.
 */
const builtins = {
  name: 'builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?[a-z0-9_]+(\/[a-z0-9_]+)*$/ }, ({ path, importer, kind }) => {
      const name = path.replace(/^node:/, '');
      // A dynamic import gets the real thing: bundled, a CommonJS module has no named exports there.
      if (!builtinModules.includes(name) || kind === 'dynamic-import') return undefined;
      const unused = name === 'child_process' && /node_modules[\\/]commander[\\/]/.test(importer);
      return { path: unused ? 'unused' : name, namespace: 'builtin' };
    });
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents:
        path === 'unused' ? 'module.exports = {};' : `module.exports = process.getBuiltinModule('node:${path}');`,
    }));
  },
};

const options = {
  absWorkingDir: root,
  outdir: fresh,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  chunkNames: 'chunks/[name]-[hash]',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  metafile: true,
  plugins: [builtins],
  // The same parser as ES modules: 30 KB less, and no wrapper around each of its hundred files.
  alias: { yaml: './node_modules/yaml/browser/index.js' },
  logLevel: 'warning',
};
const { metafile } = await build({ ...options, entryPoints: { main: 'src/cli/main.ts' }, splitting: true });
await mergeStart(root, fresh, metafile);
// By itself: no process loads both, and what they share would be split off into files of its own.
await build({ ...options, entryPoints: { index: 'src/index.ts' } });

/** Every bundled package keeps its licence text in the package that is published. */
function licences(inputs) {
  const packages = new Map();
  for (const input of Object.keys(inputs)) {
    const at = input.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//);
    if (at) packages.set(at[1], JSON.parse(readFileSync(join(root, at[1], 'package.json'), 'utf8')));
  }
  const byText = new Map();
  for (const [folder, { name, version, license }] of [...packages].sort(([, a], [, b]) =>
    a.name.localeCompare(b.name),
  )) {
    const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e(\.(md|txt))?$/i.test(entry));
    const text =
      file === undefined ? 'No licence file in the package.' : readFileSync(join(root, folder, file), 'utf8').trim();
    byText.set(text, [...(byText.get(text) ?? []), `${name} ${version} (${license})`]);
  }
  return [...byText].map(([text, names]) => `${names.join('\n')}\n\n${text}\n`).join(`\n${'-'.repeat(78)}\n\n`);
}
writeFileSync(join(fresh, 'THIRD-PARTY-LICENSES.txt'), licences(metafile.inputs));

execFileSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.types.json', '--outDir', join(fresh, 'types')],
  {
    cwd: root,
    stdio: 'inherit',
  },
);

// A command that starts meanwhile finds the one or the other.
const former = `${fresh}.former`;
if (existsSync(dist)) renameSync(dist, former);
renameSync(fresh, dist);
rmSync(former, { recursive: true, force: true });
