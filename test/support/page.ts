import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A page of the documentation, with its shell blocks and its blocks of printed output. */
export class Page {
  readonly text: string;
  readonly #compared = new Set<string>();

  /** @param name `docs/operations.md` */
  constructor(name: string) {
    this.text = readFileSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), 'utf8');
  }

  /** The text under a heading, up to the next heading of the same rank. */
  section(heading: string): string {
    const found = new RegExp(`^(#+) ${heading}$\\n([^]*?)(?=^\\1 |(?![^]))`, 'm').exec(this.text);
    if (found === null) throw new Error(`no section ${heading}`);
    return found[2] ?? '';
  }

  /** The command lines in a section, without comments. */
  commands(heading: string): string[] {
    const lines = blocksOf(this.section(heading), 'sh').flatMap((block) => block.split('\n'));
    return lines.map((line) => line.replace(/\s+#.*$/, '')).filter((line) => line !== '');
  }

  /** The one command line that begins so. Tests run what the page says. */
  command(heading: string, start: string): string {
    const found = this.commands(heading).filter((line) => line.startsWith(start));
    if (found.length !== 1) throw new Error(`${found.length} commands begin with ${start} under ${heading}`);
    return found[0] ?? '';
  }

  /** The shape of the one printed block that holds `snippet`. The block then counts as compared. */
  printed(snippet: string): string {
    const found = this.blocks().filter((block) => block.includes(snippet));
    if (found.length !== 1) throw new Error(`${found.length} printed blocks hold ${snippet}`);
    this.#compared.add(found[0] ?? '');
    return shape(found[0] ?? '');
  }

  blocks(): string[] {
    return [...blocksOf(this.text, 'text'), ...blocksOf(this.text, '')];
  }

  /** Printed blocks that nothing was compared with. */
  uncompared(): string[] {
    return this.blocks().filter((block) => !this.#compared.has(block));
  }
}

function blocksOf(text: string, language: string): string[] {
  const all = [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)];
  return all.filter(([, said]) => said === language).map(([, , block]) => block ?? '');
}

/** A text without what differs from run to run: kids, times, widths, counts of revisions. */
export function shape(text: string): string {
  const kid = '(?<![A-Za-z0-9_-])[A-Za-z0-9_-]';
  return text
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/\d{4}-\d\d-\d\d \d\d:\d\d UTC/g, 'TIME')
    .replace(/\b\d+(?:d|h|m|s)(?: \d+(?:h|m|s))*(?![A-Za-z0-9])/g, 'SPAN')
    .replace(new RegExp(`${kid}{43}(?![A-Za-z0-9_-])`, 'g'), 'KID')
    .replace(new RegExp(`${kid}{10}…`, 'g'), 'KID…')
    .replace(/\w+: \d+ of \d+ services/g, 'KEYSET: N of N services')
    .replace(/revision \d+/g, 'revision N')
    .replace(/\d+ wrapped keys?/g, 'N wrapped keys')
    .replace(/[ \t]+/g, ' ')
    .replace(/ +$/gm, '')
    .trim();
}
