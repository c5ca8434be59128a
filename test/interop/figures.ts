import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../node_modules/.cache/jwtrot/interop', import.meta.url));

/** What was measured of a party. */
export interface Figures {
  readonly party: string;
  readonly version: string;
  readonly role: 'verifier' | 'signer';
  /** Seconds from the switch to the first accepted token of the new key; the longer one of two rotations. */
  readonly accepts: number;
  /** Seconds from the start of `retire` to the first rejected token of that key. */
  readonly rejects: number;
  readonly checks: number;
  readonly wronglyRejected: number;
  readonly wronglyAccepted: number;
}

const HEAD = [
  '| party | version | role | accepts a new key after | rejects a leaked key after | checks | wrongly rejected | wrongly accepted |',
  '| --- | --- | --- | --- | --- | --- | --- | --- |',
];

export function forgetFigures(): void {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
}

export function writeFigures(figures: Figures): void {
  writeFileSync(`${FOLDER}/${figures.party.replace(/\W+/g, '-')}.json`, JSON.stringify(figures));
}

/** The table for docs/gateways.md. */
export function table(): string {
  const files = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => name.endsWith('.json')) : [];
  const all = files.map((name) => JSON.parse(readFileSync(`${FOLDER}/${name}`, 'utf8')) as Figures);
  const rows = all.sort((a, b) => a.party.localeCompare(b.party)).map(row);
  return `${[...HEAD, ...rows].join('\n')}\n`;
}

function row(one: Figures): string {
  const seconds = (n: number) => `${n.toFixed(1)} s`;
  const counts = [one.checks, one.wronglyRejected, one.wronglyAccepted];
  return `| ${[one.party, one.version, one.role, seconds(one.accepts), seconds(one.rejects), ...counts].join(' | ')} |`;
}
