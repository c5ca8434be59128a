import {
  type Document,
  isAlias,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  visit,
  type YAMLError,
} from 'yaml';
import type { FieldPath } from './problem.js';

/** A problem whose place is still an offset into the text. */
export interface YamlProblem {
  readonly offset: number;
  readonly path: FieldPath;
  readonly message: string;
}

/** The parser's findings. Its messages are used only where they don't quote the source, which may hold a secret. */
export function syntaxProblems(document: Document): YamlProblem[] {
  const problems = [...document.errors, ...document.warnings].map((error): YamlProblem => {
    const quote = error.message.startsWith('Missing closing') ? openQuote(document, error.pos[0]) : null;
    if (quote !== null) return { offset: quote, path: [], message: 'not YAML: a quote begins here that never ends' };
    return { offset: error.pos[0], path: [], message: syntaxMessage(error) };
  });
  const { yaml } = document.directives ?? {};
  if (yaml?.explicit === true && yaml.version !== '1.2') {
    problems.push({ offset: 0, path: [], message: 'a configuration is YAML 1.2: take the %YAML line out' });
  }
  return problems;
}

/** Finds the start of the quoted text that runs to `end`. The parser reports only where it gave up. */
function openQuote(document: Document, end: number): number | null {
  let offset: number | null = null;
  visit(document, {
    Scalar: (_, { type, range }) => {
      const isQuoted = type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE';
      if (isQuoted && range != null && range[0] < end && range[1] >= end) offset = range[0];
    },
  });
  return offset;
}

function syntaxMessage(error: YAMLError): string {
  switch (error.code) {
    case 'MULTIPLE_DOCS':
      return 'a second YAML document begins here; a configuration is one';
    case 'TAB_AS_INDENT':
      return 'YAML is indented with spaces, not with tabs';
    case 'NON_STRING_KEY':
      return 'the name of a field must be plain text';
    case 'TAG_RESOLVE_FAILED':
    case 'BAD_COLLECTION_TYPE':
      return 'YAML tags (!name) are not used here; put text that begins with ! in quotes';
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'not YAML: a second ": " in one line, or a line indented unlike its neighbours; put text that holds ": " in quotes';
    case 'BAD_DIRECTIVE':
      return 'not a directive of YAML 1.2';
    case 'BAD_DQ_ESCAPE':
      return 'not an escape sequence of YAML; a backslash in double quotes is written \\\\';
    default: {
      const [words = ''] = error.message.split(/(?<=\w): /);
      if (words === 'Not a YAML token') return 'not YAML: text where none can stand';
      return `not YAML: ${words.charAt(0).toLowerCase()}${words.slice(1)}`;
    }
  }
}

/**
 * Reports names given twice, and names that are special in JavaScript objects: libraries silently drop these. It removes
 * the later copy of a name from the document, so that the first one is checked like any other field.
 */
export function nameProblems(document: Document): YamlProblem[] {
  const problems: YamlProblem[] = [];
  visit(document, {
    Map: (_, map, ancestors) => {
      const seen = new Set<string>();
      const doubles = new Set<Pair>();
      for (const pair of map.items) {
        const name = nameOf(pair);
        const report = (message: string): void => {
          problems.push({ offset: startOf(pair.key), path: [...pathOf(ancestors, map), name], message });
        };
        if (seen.has(name)) {
          report('is given twice in the same map');
          doubles.add(pair);
        }
        seen.add(name);
        if (['__proto__', 'constructor', 'prototype'].includes(name)) report("this name can't be used");
      }
      if (doubles.size > 0) map.items = map.items.filter((pair) => !doubles.has(pair));
    },
  });
  return problems;
}

/** Reports aliases with no anchor before them. The library would throw for these without giving a position. */
export function aliasProblems(document: Document): YamlProblem[] {
  const problems: YamlProblem[] = [];
  const anchors = new Set<string>();
  const message = 'an alias (*name) without an anchor (&name) before it; put text that begins with * in quotes';
  visit(document, (_, node) => {
    if (isAlias(node)) {
      if (!anchors.has(node.source)) problems.push({ offset: startOf(node), path: [], message });
    } else if (isNode(node) && node.anchor !== undefined) anchors.add(node.anchor);
  });
  return problems;
}

function pathOf(ancestors: readonly unknown[], map: Node): FieldPath {
  const path: (string | number)[] = [];
  const chain = [...ancestors, map];
  for (const [index, ancestor] of chain.entries()) {
    if (isPair(ancestor)) path.push(nameOf(ancestor));
    else if (isSeq(ancestor)) path.push(ancestor.items.indexOf(chain[index + 1]));
  }
  return path;
}

export function nameOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : '';
}

/** A node's offset in the text; 0 when there is no node. */
export function startOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0;
}
