import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PAGE = fileURLToPath(new URL('../../docs/aws.md', import.meta.url));
const SNIPPET = /^<!-- snippet: (\S+) -->\n```\w+\n([\s\S]*?)^```$/gm;

/** The blocks of docs/aws.md that are marked `<!-- snippet: NAME -->`, by their names, in order. */
export function snippets(): Map<string, string> {
  const found = [...readFileSync(PAGE, 'utf8').matchAll(SNIPPET)];
  return new Map(found.map(([, name = '', text = '']) => [name, text]));
}

/** How many fenced blocks the page has, marked or not. */
export function fencedBlocks(): number {
  return [...readFileSync(PAGE, 'utf8').matchAll(/^```\w+$/gm)].length;
}

export interface Account {
  readonly region: string;
  readonly account: string;
  readonly keyArn: string;
}

/** A policy of the page as its `policies.sh` fills it. */
export function filled(text: string, { region, account, keyArn }: Account): string {
  return text.replaceAll('REGION', region).replaceAll('ACCOUNT', account).replaceAll('KEY_ARN', keyArn);
}
