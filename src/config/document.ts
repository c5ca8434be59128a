import { type Document, isAlias, isMap, isSeq, LineCounter, type Pair, parseDocument, type YAMLMap } from 'yaml';
import type { ConfigurationProblem, FieldPath, Position } from './problem.js';
import { depthProblems } from './yaml-depth.js';
import { aliasProblems, nameOf, nameProblems, startOf, syntaxProblems, type YamlProblem } from './yaml-problems.js';

/** A YAML document and the position of each field. */
export interface ParsedDocument {
  readonly value: unknown;
  /** YAML mistakes only. */
  readonly problems: readonly ConfigurationProblem[];
  /** False when the text is not YAML; `value` is then meaningless. */
  readonly isReadable: boolean;
  /** The position of a field's name or value. A missing field has the position of its parent's name. */
  positionOf(path: FieldPath, part: 'name' | 'value'): Position;
}

/** Aliases, counted after expansion: nested ones multiply (the "billion laughs" attack). */
const MOST_ALIASES = 1000;

/** Reads one YAML 1.2 document. Mistakes in the text are returned, never thrown. */
export function parseConfiguration(text: string): ParsedDocument {
  const lines = new LineCounter();
  const tooDeep = depthProblems(text, lines);
  const document = parseDocument(tooDeep.length > 0 ? '' : text, {
    version: '1.2',
    prettyErrors: false, // pretty errors quote the source, which may be a secret header value
    uniqueKeys: false, // the library's check is quadratic; nameProblems checks instead
    stringKeys: true,
    logLevel: 'error',
  });
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const located = (problem: YamlProblem): ConfigurationProblem => ({
    position: positionAt(problem.offset),
    path: problem.path,
    message: problem.message,
  });
  const parsed = tooDeep.length > 0 ? { value: null, problems: tooDeep, isReadable: false } : toValue(document);
  const index: Index = new WeakMap();
  return {
    value: parsed.value,
    problems: parsed.isReadable ? parsed.problems.map(located) : firstOfEachLine(parsed.problems.map(located)),
    isReadable: parsed.isReadable,
    positionOf: (path, part) => positionAt(offsetOf(document, index, path, part)),
  };
}

/** After an error the parser's further errors on that line are noise. */
function firstOfEachLine(problems: readonly ConfigurationProblem[]): ConfigurationProblem[] {
  const lines = new Map<number, ConfigurationProblem>();
  for (const problem of problems) {
    if (!lines.has(problem.position.line)) lines.set(problem.position.line, problem);
  }
  return [...lines.values()];
}

function toValue(document: Document): { value: unknown; problems: YamlProblem[]; isReadable: boolean } {
  const broken = [...syntaxProblems(document), ...aliasProblems(document)];
  if (broken.length > 0) return { value: null, problems: broken, isReadable: false };
  const problems = nameProblems(document);
  try {
    const value: unknown = document.toJS({ maxAliasCount: MOST_ALIASES });
    return { value: value ?? {}, problems, isReadable: true };
  } catch {
    // If a field is given twice, the later copy was removed and may have held the anchor: then this message would
    // mislead.
    const message = `aliases (*name) stand for more than ${MOST_ALIASES} nodes, or for themselves`;
    if (problems.length === 0) problems.push({ offset: 0, path: [], message });
    return { value: null, problems, isReadable: false };
  }
}

/** Caches each map's fields by name, so that a map with very many wrong fields is searched only once. */
type Index = WeakMap<YAMLMap, ReadonlyMap<string, Pair>>;

function fieldOf(index: Index, map: YAMLMap, name: string): Pair | undefined {
  const known = index.get(map) ?? new Map(map.items.map((pair) => [nameOf(pair), pair]));
  index.set(map, known);
  return known.get(name);
}

function offsetOf(document: Document, index: Index, path: FieldPath, part: 'name' | 'value'): number {
  let node: unknown = document.contents;
  let around = 0;
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = fieldOf(index, node, String(step));
      if (pair === undefined) return around;
      around = startOf(pair.key);
      if (part === 'name' && depth === path.length - 1) return around;
      node = pair.value;
    } else if (isSeq(node) && typeof step === 'number' && step < node.items.length) {
      node = node.items[step];
      around = startOf(node);
    } else return around;
  }
  return path.length === 0 ? 0 : startOf(node) || around;
}
