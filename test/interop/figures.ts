import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../node_modules/.cache/jwtrot/interop', import.meta.url));

/** What was measured of a party. */
export interface Figures {
  readonly party: string;
  readonly version: string;
  /** Seconds from the switch to the first accepted token of the new key; the longer one of two rotations. */
  readonly accepts: number;
  /** Seconds from the start of `retire` to the first rejected token of that key. */
  readonly rejects: number;
  readonly wronglyRejected: number;
  readonly wronglyAccepted: number;
}

const DOCS = fileURLToPath(new URL('../../docs/gateways.md', import.meta.url));
const HEAD = `| party | version | switch → first accepted new token | retire → first rejection | wrongly rejected | wrongly accepted after the bound |
| --- | --- | --- | --- | --- | --- |
`;

export function forgetFigures(): void {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
}

export function writeFigures(figures: Figures): void {
  writeFileSync(`${FOLDER}/${figures.party.replace(/\W+/g, '-')}.json`, JSON.stringify(figures));
}

/** The row of each party that was measured. */
export function rows(): string[] {
  const files = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => name.endsWith('.json')) : [];
  return files.map((name) => row(JSON.parse(readFileSync(`${FOLDER}/${name}`, 'utf8')) as Figures));
}

function row({ party, version, accepts, rejects, wronglyRejected, wronglyAccepted }: Figures): string {
  const cells = [party, version, accepts.toFixed(1), rejects.toFixed(1), wronglyRejected, wronglyAccepted];
  return `| ${cells.join(' | ')} |`;
}

export function table(measured: readonly string[]): string {
  return `${HEAD}${[...measured].sort().join('\n')}\n`;
}

/** The rows of the table in docs/gateways.md. */
export function documented(): string[] {
  const [, after] = readFileSync(DOCS, 'utf8').split(HEAD);
  if (after === undefined) throw new Error('docs/gateways.md has no table of figures');
  return (/^(?:\|.*\n)*/.exec(after)?.[0] ?? '').split('\n').filter((line) => line !== '');
}

/** Puts rows into that table, in place of those of the same parties. */
export function document(measured: readonly string[]): void {
  const party = (line: string) => line.split('|')[1]?.trim();
  const before = documented();
  const kept = before.filter((line) => !measured.some((one) => party(one) === party(line)));
  const [old, fresh] = [before, [...kept, ...measured].sort()].map((lines) =>
    lines.map((line) => `${line}\n`).join(''),
  );
  writeFileSync(
    DOCS,
    readFileSync(DOCS, 'utf8').replace(HEAD + old, () => HEAD + fresh),
  );
}
