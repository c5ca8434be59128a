import { type Document, isAlias, isMap, isSeq, LineCounter, type Pair, parseDocument, type YAMLMap } from 'yaml';
import type { FieldPath, Position, Problem } from './problem.js';
import { depthProblems } from './yaml-depth.js';
import { aliasProblems, nameOf, nameProblems, startOf, syntaxProblems, type YamlProblem } from './yaml-problems.js';

/** A YAML document, and where everything in it stands. */
export interface ParsedDocument {
  readonly value: unknown;
  /** What is wrong with it as YAML. */
  readonly problems: readonly Problem[];
  /** False when the text is not YAML: then `value` means nothing. */
  readonly isReadable: boolean;
  /** Where a field stands: its name or its value. Of one that is missing: the name of the field around it. */
  positionOf(path: FieldPath, part: 'name' | 'value'): Position;
}

/** Uses of anchors, multiplied through nesting (the "billion laughs"). */
const MOST_ALIASES = 1000;

/** Reads YAML 1.2, one document. Never throws for what the text holds. */
export function parseConfiguration(text: string): ParsedDocument {
  const lines = new LineCounter();
  const tooDeep = depthProblems(text, lines);
  const document = parseDocument(tooDeep.length > 0 ? '' : text, {
    version: '1.2',
    prettyErrors: false, // they quote the source, which may be a header's value
    uniqueKeys: false, // quadratic in the library; nameProblems looks instead
    stringKeys: true,
    logLevel: 'error',
  });
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const located = (problem: YamlProblem): Problem => ({
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

/** The parser stumbles on from an error; what it says about the rest of the line is noise. */
function firstOfEachLine(problems: readonly Problem[]): Problem[] {
  const lines = new Map<number, Problem>();
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
    // The anchor of an alias may have been in what was given twice.
    const message = `aliases (*name) stand for more than ${MOST_ALIASES} nodes, or for themselves`;
    if (problems.length === 0) problems.push({ offset: 0, path: [], message });
    return { value: null, problems, isReadable: false };
  }
}

/** The fields of each map that was asked for: a map with very many wrong fields is searched once. */
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
