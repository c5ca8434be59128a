// Bundles src/ into dist/. One file per lazily loaded part, so that `status` does not pay for the AWS clients.
// The dependencies are bundled: what an operator installs is exactly what was tested, and start-up is a figure.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { main: 'src/cli/main.ts', index: 'src/index.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  chunkNames: 'chunks/[name]-[hash]',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
  // CommonJS dependencies call require(), which ESM does not have.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});

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
writeFileSync(join(dist, 'THIRD-PARTY-LICENSES.txt'), licences(metafile.inputs));

execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.types.json'], {
  cwd: root,
  stdio: 'inherit',
});
