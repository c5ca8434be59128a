import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** Every file of ours below a folder; fixtures and the fuzzer's corpus name nothing. */
function filesIn(folder: string): string[] {
  const entries = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return paths
    .map((path) => relative(ROOT, path))
    .filter((path) => !/^test\/(?:fixtures|fuzz\/corpus|interop\/npm\/node_modules)\//.test(path));
}

const FILES = ['src', 'test', 'bench', 'scripts', 'systemd', 'lint', 'docs', 'examples', '.ci'].flatMap(filesIn);
const isPage = (path: string) => path.endsWith('.md');
const SOURCES = FILES.filter((path) => !isPage(path));
const PAGES = [...readdirSync(ROOT).filter(isPage), ...FILES.filter(isPage)];

/** The pages that a text names: by their path from the root, or by that from its own folder. */
function pagesNamedIn(path: string): string[] {
  return [...read(path).matchAll(/[\w./-]*\w\.md\b/g)].map(([name]) => name);
}

function isThere(name: string, from: string): boolean {
  return existsSync(join(ROOT, name)) || existsSync(join(ROOT, dirname(from), name));
}

/** As GitHub makes them of headings. */
function anchorsOf(page: string): string[] {
  const headings = [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading.toLowerCase());
  return headings.map((heading) => heading.replace(/[^\w\s-]/g, '').replace(/\s/g, '-'));
}

/** Links to files of the repository, without those of a section. */
function linksOf(page: string, text = read(page)): { target: string; anchor: string | undefined }[] {
  const targets = [...text.matchAll(/\]\(((?!https?:)[^)]+)\)/g)].map(([, target = '']) => target.split('#'));
  return targets.map(([path = '', anchor]) => ({
    target: path === '' ? page : normalize(join(dirname(page), path)),
    anchor,
  }));
}

describe('no file names a page that is not there', () => {
  it('no source, test or script', () => {
    const named = SOURCES.flatMap((path) => pagesNamedIn(path).map((name) => ({ path, name })));
    expect(named.length).toBeGreaterThan(40);
    expect(named.filter(({ path, name }) => !isThere(name, path))).toEqual([]);
  });

  it.each(PAGES)('nor does %s, and its links lead somewhere', (page) => {
    expect(pagesNamedIn(page).filter((name) => !isThere(name, page))).toEqual([]);
    const dead = linksOf(page).filter(
      ({ target, anchor }) =>
        !existsSync(join(ROOT, target)) || (anchor !== undefined && !anchorsOf(target).includes(anchor)),
    );
    expect(dead).toEqual([]);
  });

  it.each(['docs/architecture.md', 'docs/traces.md', 'docs/design.md', 'CONTRIBUTING.md'])(
    '%s names files and folders that there are',
    (page) => {
      const paths = [...read(page).matchAll(/`((?:src|test|bench|scripts|systemd|lint|bin)\/[\w./-]+)`/g)];
      expect(paths.length).toBeGreaterThan(0);
      expect(paths.map(([, path = '']) => path).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    },
  );
});

describe('docs/traces.md', () => {
  const histories = [...read('docs/traces.md').matchAll(/^\*\*(\d+)\.\*\* ([\s\S]*?)(?=^\*\*|^## |$(?![\s\S]))/gm)].map(
    ([, number = '', text = '']) => ({ number: Number(number), text, tests: pathsIn(text) }),
  );
  /** `1: a sync …`, `16 and 17: …`, `(trace N)`, `Histories 19, 20 and 29: …`. */
  const numbersIn = (path: string) =>
    [...read(path).matchAll(/(?:['"`]|\btraces? |\bHistor(?:y|ies) )(\d+(?:(?:, | and )\d+)*)(?:: |[):])/g)].flatMap(
      ([, list = '']) => list.split(/, | and /).map(Number),
    );

  it('numbers its histories without a gap, each with a promise and tests', () => {
    expect(histories.map(({ number }) => number)).toEqual(histories.map((_, i) => i + 1));
    expect(histories.length).toBeGreaterThan(25);
    for (const { tests, text } of histories) {
      expect(tests).not.toEqual([]);
      expect(text).toMatch(/^Holds: /m);
    }
  });

  it('names tests that name the history', () => {
    const wrong = histories.flatMap(({ number, tests }) =>
      tests.filter((path) => !numbersIn(path).includes(number)).map((path) => `${number}: ${path}`),
    );
    expect(wrong).toEqual([]);
  });

  it('has every history that a test names', () => {
    const tests = SOURCES.filter((path) => /^test\/.*(?:traces\.test|\.test|cases)\.ts$/.test(path));
    const named = tests.flatMap((path) =>
      [...read(path).matchAll(/\(traces? (\d+(?:(?:, | and )\d+)*)\)/g)].flatMap(([, list = '']) =>
        list.split(/, | and /).map((number) => ({ number: Number(number), path })),
      ),
    );
    expect(named.length).toBeGreaterThan(25);
    const listed = (number: number, path: string) => histories[number - 1]?.tests.includes(path) === true;
    expect(named.filter(({ number, path }) => !listed(number, path))).toEqual([]);
  });
});

function pathsIn(text: string): string[] {
  const [, tests = ''] = text.split(/^Tests: /m);
  return [...tests.matchAll(/`(test\/[\w./-]+)`/g)].map(([, path = '']) => path);
}

describe('the package', () => {
  const said = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  const [packed] = JSON.parse(said) as { files: { path: string }[] }[];
  const files = packed?.files.map(({ path }) => path) ?? [];
  /** README has one part for who works on jwtrot: that is about the repository. */
  const forUsers = (page: string) => read(page).replace(/^## Development$[\s\S]*/m, '');

  it('has every page that it points to', () => {
    const pages = files.filter((path) => path.endsWith('.md'));
    expect(pages).toEqual(
      expect.arrayContaining([
        'README.md',
        'docs/delivery.md',
        'docs/gateways.md',
        'docs/operations.md',
        'docs/recovery.md',
        'docs/services.md',
        'docs/services-python-go.md',
      ]),
    );
    const linked = pages.flatMap((page) => linksOf(page, forUsers(page)).map(({ target }) => ({ page, target })));
    expect(linked.filter(({ target }) => !files.includes(target))).toEqual([]);
  });

  it('has every page that a message of the command names', () => {
    const messages = SOURCES.filter((path) => /^(?:src|systemd)\//.test(path)).flatMap(
      (path) => withoutComments(read(path)).match(/docs\/[\w-]+\.md/g) ?? [],
    );
    expect(messages.length).toBeGreaterThan(4);
    expect(messages.filter((page) => !files.includes(page))).toEqual([]);
  });

  it('has no page for those who work on it', () => {
    expect(files.filter((path) => /(?:architecture|traces|design|CONTRIBUTING)\.md$/.test(path))).toEqual([]);
  });
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}
