import { type CST, type LineCounter, Parser } from 'yaml';
import type { YamlProblem } from './yaml-problems.js';

/** Levels of lists and maps; a configuration has eight. The YAML library recurses and could overflow the stack. */
const MOST_LEVELS = 64;

/** Reports the first place where lists and maps are nested too deeply, and fills in `lines`. */
export function depthProblems(text: string, lines: LineCounter): YamlProblem[] {
  const tooDeep = (offset: number): YamlProblem[] => [{ offset, path: [], message: 'nested too deeply' }];
  try {
    for (const document of new Parser(lines.addNewLine).parse(text)) {
      const offset = document.type === 'document' ? tooDeepAt(document.value) : null;
      if (offset !== null) return tooDeep(offset);
    }
    return [];
  } catch (error) {
    // The parser recurses too, where thousands of levels end at once.
    if (error instanceof RangeError) return tooDeep(0);
    throw error;
  }
}

/** Goes level by level instead of recursing, so that it can't overflow the stack. */
function tooDeepAt(root: CST.Token | undefined): number | null {
  let level = [root].filter(isCollection);
  for (let depth = 0; depth < MOST_LEVELS; depth += 1) {
    level = level.flatMap(({ items }) => items.flatMap(({ key, value }) => [key, value].filter(isCollection)));
  }
  return level[0]?.offset ?? null;
}

type Collection = CST.BlockMap | CST.BlockSequence | CST.FlowCollection;

function isCollection(token: CST.Token | null | undefined): token is Collection {
  return token != null && 'items' in token;
}
