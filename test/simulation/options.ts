import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { Kind } from './kinds.js';
import type { Replay } from './simulate.js';
import { SWITCHES } from './swarm.js';
import { SPAN, seedAt } from './themes.js';

const LIST = { type: 'string' } as const;

/** The command line makes no sense. */
export class UsageError extends Error {}

/** @throws UsageError */
export function readOptions() {
  try {
    return parse();
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function parse() {
  const { values } = parseArgs({
    options: {
      seed: LIST,
      shrink: { type: 'boolean', default: false },
      only: LIST,
      without: LIST,
      off: LIST,
      on: LIST,
      seeds: { type: 'string', default: '2000' },
      from: LIST,
      theme: LIST,
      list: LIST,
      hours: LIST,
      seconds: { type: 'string', default: 'Infinity' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      'keep-going': { type: 'boolean', default: false },
      rate: LIST,
    },
  });
  return values;
}

export type Options = ReturnType<typeof readOptions>;

function listOf(text: string | undefined): string[] {
  return (text ?? '').split(',').filter((one) => one !== '');
}

/** @throws UsageError for an unknown kind */
function kindsOf(text: string | undefined): Kind[] {
  if (text === 'all') return [...SWITCHES];
  return listOf(text).map((name) => {
    const kind = SWITCHES.find((one) => one === name);
    if (kind === undefined) throw new UsageError(`there is no kind ${name}; there are ${SWITCHES.join(' ')}`);
    return kind;
  });
}

export function replayOf({ only, without, off, on }: Options): Replay {
  return {
    forced: { off: kindsOf(off), on: kindsOf(on) },
    only: only === undefined ? null : new Set(listOf(only)),
    without: listOf(without),
  };
}

/** The options that play exactly this again. */
export function commandOf(seed: number, { only, without = [], forced }: Replay): string {
  const list = (name: string, some: Iterable<string> | null | undefined) => {
    const text = [...(some ?? [])].join(',');
    return text === '' ? '' : ` --${name} ${text}`;
  };
  const chosen = list('off', forced?.off) + list('on', forced?.on);
  return `npm run simulate -- --seed ${seed}${chosen}${list('without', without)}${list('only', only)}`;
}

/** The seeds of a sweep. @param first the first one without `--from` */
export function seedsOf({ from, theme, list, seeds }: Options, first = 1): Iterator<number> {
  if (list !== undefined)
    return listOf(list)
      .map((one) => wholeNumber('list', one))
      .values();
  const start = from === undefined ? first : wholeNumber('from', from);
  const count = seeds === 'Infinity' ? Number.POSITIVE_INFINITY : wholeNumber('seeds', seeds);
  const base = theme === undefined ? null : wholeNumber('theme', theme) * SPAN;
  return counted(count, (i) => (base === null ? seedAt(start + i) : base + start + i));
}

function* counted(count: number, seed: (i: number) => number): Generator<number> {
  for (let i = 0; i < count; i += 1) yield seed(i);
}

/** Not a number would be one seed, played again and again. */
function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`--${option} takes a whole number, not ${text}`);
  return Number(text);
}
