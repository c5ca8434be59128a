import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { COMMAND } from '../e2e/world.js';

const page = (name: string) => readFileSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), 'utf8');

/** Every command line of ours in a page's shell blocks, as words. */
function commands(text: string): string[][] {
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map((match) => match[1] ?? '');
  return blocks
    .flatMap((block) => block.split('\n'))
    .flatMap((line) => /^(?:jwtrot|jwtrot-run) (.*)$/.exec(line)?.[1] ?? [])
    .map((line) => (line.split(/ [#<>|]/)[0] ?? '').trim().split(/\s+/));
}

const VERBS = ['rotate', 'sync', 'status', 'retire', 'import', 'jwks', 'setup', 'rollback', 'store'];
/** Those that have verbs of their own. */
const GROUPS = ['setup', 'store'];
const help = new Map<string, string>();

/** @param verb `rotate`, or `setup systemd` */
function helpOf(verb: string): string {
  const args = [COMMAND, ...verb.split(' '), '--help'];
  const known = help.get(verb) ?? execFileSync(process.execPath, args, { encoding: 'utf8' });
  help.set(verb, known);
  return known;
}

describe('the pages for operators', () => {
  it.each(['docs/operations.md', 'README.md'])('%s names verbs and options that there are', (name) => {
    const found = commands(page(name));
    expect(found.length).toBeGreaterThan(3);
    for (const words of found) {
      const verb = words.find((word) => VERBS.includes(word)) ?? '';
      expect(VERBS, words.join(' ')).toContain(verb);
      for (const option of words.filter((word) => word.startsWith('--')))
        expect(
          helpOf(GROUPS.includes(verb) ? `${verb} ${words[words.indexOf(verb) + 1]}` : verb),
          words.join(' '),
        ).toContain(option);
    }
  });

  it('names files that setup writes', () => {
    const shown = [...page('docs/operations.md').matchAll(/^created (\S+)$/gm)].map((match) => match[1]);
    const path = configuration();
    const said = execFileSync(process.execPath, [COMMAND, 'setup', 'systemd', '--dry-run', '--other-host', '--json'], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '', JWTROT_CONFIG: path },
    });
    rmSync(dirname(path), { recursive: true });
    const files = (JSON.parse(said) as { files: { path: string }[] }).files.map((file) => file.path);
    expect(shown).toEqual(files);
  });
});

/** The page's own. */
function configuration(): string {
  const yaml = /^```yaml\n(store:.*?)^```/ms.exec(page('docs/operations.md'))?.[1] ?? '';
  const path = join(mkdtempSync(join(tmpdir(), 'jwtrot-docs-')), 'jwtrot.yaml');
  writeFileSync(path, yaml, { mode: 0o600 });
  return path;
}
