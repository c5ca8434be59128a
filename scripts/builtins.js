// Loads Node's built-in modules into the bundle. A plain import reads every export: `node:fs` then loads all streams and
// `node:crypto` all of WebCrypto, which is a third of a start. This plugin makes each name a constant, and the bundler
// drops the unused ones.
import { builtinModules } from 'node:module';

/** Modules that load slowly, and of which src/ uses only plain functions: the first call loads the module. */
const LATE = new Set(['child_process', 'dns', 'dns/promises', 'v8']);

const OWN = '\0own-';
/**
 * Imports of dependencies are kept apart. Otherwise a start would read names that only an AWS client needs later, if
 * ever.
 */
const THEIRS = '\0theirs-';
const REQUIRED = '\0required-';
const UNUSED = '\0unused';

const load = (name) => `process.getBuiltinModule('node:${name}')`;

/** A plugin of rolldown. */
export const builtins = {
  name: 'builtins',
  resolveId(source, importer = '', { kind }) {
    const name = source.replace(/^node:/, '');
    if (!builtinModules.includes(name)) return null;
    // Leave dynamic imports alone: a bundled CommonJS module would have no named exports there.
    if (kind === 'dynamic-import') return { id: `node:${name}`, external: true };
    // commander needs it only for subcommands in separate programs; jwtrot has none.
    if (name === 'child_process' && /[\\/]node_modules[\\/]commander[\\/]/.test(importer)) return UNUSED;
    if (kind === 'require-call') return REQUIRED + name;
    return (/[\\/]node_modules[\\/]/.test(importer) ? THEIRS : OWN) + name;
  },
  load(id) {
    if (id === UNUSED) return 'module.exports = {};';
    if (id.startsWith(REQUIRED)) return `module.exports = ${load(id.slice(REQUIRED.length))};`;
    // Dependencies may do more with a function than call it: `promisify` reads a member of `exec`.
    if (id.startsWith(THEIRS)) return constants(id.slice(THEIRS.length));
    if (!id.startsWith(OWN)) return null;
    const name = id.slice(OWN.length);
    return LATE.has(name) ? functions(name) : constants(name);
  },
};

function namesOf(module) {
  return Object.keys(process.getBuiltinModule(`node:${module}`)).filter((name) => /^[a-z_]\w*$/i.test(name));
}

function constants(module) {
  const lines = namesOf(module).map(
    (name) => `const _${name} = /* @__PURE__ */ of('${name}'); export { _${name} as ${name} };`,
  );
  const all = `const all = /* @__PURE__ */ ${load(module)}; const of = (name) => all[name]; export default all;`;
  return { code: [all, ...lines].join('\n'), moduleSideEffects: false };
}

function functions(module) {
  const lines = namesOf(module).map(
    (name) => `const _${name} = (...values) => ${load(module)}.${name}(...values); export { _${name} as ${name} };`,
  );
  return { code: lines.join('\n'), moduleSideEffects: false };
}
