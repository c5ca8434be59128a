// esbuild splits by who reaches what: some twenty small files that every start needs, at a millisecond each for Node's
// loader. This makes one file of them.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { build } from 'esbuild';

const MERGED = 'start.js';

/**
 * Merges what `main.js` imports at once into one chunk, and lets all others import from that.
 * @param root what the metafile's paths are relative to
 * @param dist where esbuild wrote them
 */
export async function mergeStart(root, dist, { outputs }) {
  const chunks = join(dist, 'chunks');
  const hot = new Set();
  const follow = (output) => {
    for (const { path, kind } of outputs[output].imports) {
      if (kind !== 'import-statement' || hot.has(path) || outputs[path] === undefined) continue;
      hot.add(path);
      follow(path);
    }
  };
  follow(relative(root, join(dist, 'main.js')));
  const names = new Map([...hot].map((path, index) => [basename(path), `m${index}_`]));
  const lines = [...hot].map((path) => {
    const file = basename(path);
    const exported = outputs[path].exports.map((name) => `${name} as ${names.get(file)}${name}`);
    return `import "./${file}"; export { ${exported} } from "./${file}";`;
  });
  const cold = readdirSync(chunks).filter((file) => !names.has(file));
  await build({
    stdin: { contents: lines.join('\n'), resolveDir: chunks },
    outfile: join(chunks, MERGED),
    bundle: true,
    external: cold.map((file) => `./${file}`),
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
  });
  for (const file of names.keys()) rmSync(join(chunks, file));
  for (const file of [join(dist, 'main.js'), ...cold.map((one) => join(chunks, one))]) {
    writeFileSync(file, redirected(readFileSync(file, 'utf8'), names));
  }
}

/** esbuild writes `import{a,b as c}from"./chunk-ABC.js"` and `import"./chunk-ABC.js"`, and names no file twice. */
function redirected(text, names) {
  return text.replace(/import(?:\{([^}]*)\}from)?"(\.\/(?:chunks\/)?)([^"/]+)"/g, (whole, specifiers, folder, file) => {
    const prefix = names.get(file);
    if (prefix === undefined) return whole;
    const from = `"${folder}${MERGED}"`;
    if (specifiers === undefined) return `import${from}`;
    const renamed = specifiers.split(',').map((one) => {
      const [name, local = name] = one.trim().split(' as ');
      return `${prefix}${name} as ${local}`;
    });
    return `import{${renamed}}from${from}`;
  });
}
