import type { Ran } from '../e2e/world.js';
import type { OutletName } from './places.js';
import type { Site } from './site.js';

/** Of every incident here; it must have ended 10 s later. */
export const DEADLINE = 3_000;
const WALL = DEADLINE + 10_000;

/** docs/design.md, section 8, less 1 (nobody foresaw it) and the interruptions. */
const CODES = new Set([0, 2, 3, 4, 5, 75]);
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be printed
const RAW = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffd]/;
const STACK = /\n\s+at .*[:)]\d+|node:internal|TypeError|RangeError|unforeseen/;

export interface Expected {
  readonly kind: 'alone' | 'ground';
  readonly sick: readonly OutletName[];
  readonly names: readonly string[];
  /** Outlets of which somebody said that they do not hold it. */
  readonly trusted?: readonly OutletName[];
}

/** What any command must be, whatever it met. */
export function manners({ code, signal, stdout, stderr, took }: Ran & { took: number }, wall = WALL): string[] {
  const said = stdout + stderr;
  const problems: string[] = [];
  if (took > wall) problems.push(`it took ${Math.round(took)} ms`);
  if (signal !== null) problems.push(`it was ended by ${signal}`);
  else if (!CODES.has(code ?? -1)) problems.push(`exit ${code}`);
  if (STACK.test(said)) problems.push('it prints what is for those who wrote it');
  if (RAW.test(said)) problems.push(`it prints ${JSON.stringify(RAW.exec(said)?.[0])}`);
  return problems;
}

/** What is not as it must be after `retire`; with what was printed, when something is not. */
export function judge(site: Site, ran: Ran & { took: number }, expected: Expected): string[] {
  const { code, stdout, stderr } = ran;
  const said = stdout + stderr;
  const problems = manners(ran);
  const isNamed = expected.names.some((name) => said.includes(name));
  const published = Object.entries(site.published()) as [OutletName, readonly string[] | null][];
  const refused = expected.kind === 'ground' && code !== 0 && code !== 4;
  for (const [outlet, kids] of published) {
    if (refused || expected.trusted?.includes(outlet) === true) continue;
    if (kids?.includes(site.kid) && !expected.sick.includes(outlet)) problems.push(`${outlet} still holds the key`);
    if ((kids === null || kids.includes(site.kid)) && code === 0)
      problems.push(`exit 0, and ${outlet} may hold the key`);
  }
  if (code !== 0 && !isNamed) problems.push(`it does not name ${expected.names.join(' or ')}`);
  return problems.length === 0 ? [] : [...problems, `exit ${code} after ${Math.round(ran.took)} ms`, said];
}
