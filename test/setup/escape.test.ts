import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { cronFiles } from '../../src/setup/crontab.js';
import { cronVariable, scriptString, shellWord, systemdWord } from '../../src/setup/escape.js';
import { type SetupFacts, setupFacts } from '../../src/setup/facts.js';
import { systemdFiles } from '../../src/setup/render.js';
import { readTemplates } from '../../src/setup/templates.js';
import { configuration } from './configuration.js';
import { hostilePaths } from './hostile.js';
import { cronEnvironment, systemdLines, systemdWords } from './parsers.js';

const templates = readTemplates();
const PATHS = hostilePaths(1, 500);

const values = (lines: readonly string[], name: string) =>
  lines.filter((line) => line.startsWith(`${name}=`)).flatMap((line) => systemdWords(line.slice(name.length + 1)));

async function factsOf(paths: Partial<SetupFacts>): Promise<SetupFacts> {
  return { ...setupFacts(await configuration({}), '/etc/jwtrot/jwtrot.yaml'), isDefaultSource: false, ...paths };
}

describe('a path in a unit', () => {
  it('is one word, with what it means', () => {
    for (const path of PATHS) expect(systemdWords(systemdWord(path))).toEqual([path]);
    expect(systemdWord('/srv/jwks')).toBe('/srv/jwks');
    expect(systemdWord('/a\\')).toBe('"/a\\\\"');
  });

  it('stays in its line of the whole file', async () => {
    for (let i = 0; i < PATHS.length; i += 50) {
      const some = PATHS.slice(i, i + 50);
      const [source = ''] = some;
      const facts = await factsOf({ source, outlets: some, state: [source] });
      const files = systemdFiles(facts, templates);
      const unit = files.find(({ path }) => path.endsWith('/jwtrot.service.d/20-jwtrot-configuration.conf'));
      const lines = systemdLines(unit?.text ?? '');
      expect(values(lines, 'ReadWritePaths')).toEqual([...some, source].map((path) => `-${path}`));
      expect(values(lines, 'Environment')).toEqual([`JWTROT_CONFIG=${source}`]);
      expect(lines).toHaveLength(some.length + 4);
      const tmpfiles = systemdLines(files.find(({ path }) => path.includes('tmpfiles'))?.text ?? '').map(systemdWords);
      expect(tmpfiles.slice(2).map(([type, path, , user, group]) => [type, path, user, group])).toEqual([
        ...some.map((path) => ['d', path, ':jwtrot', ':jwtrot']),
        ['d', source, ':jwtrot', ':jwtrot'],
      ]);
    }
  });
});

describe('a path in a crontab', () => {
  it('is what its variable holds, or is refused', async () => {
    const facts = await factsOf({});
    let refused = 0;
    for (const source of PATHS) {
      let text = '';
      try {
        text = cronFiles({ ...facts, source }, templates, { keysets: ['api'], splay: '1m' })[0]?.text ?? '';
      } catch (error) {
        expect(error).toMatchObject({ code: 'not-for-cron', exit: 2 });
        expect(source).toMatch(/ $/);
        refused += 1;
        continue;
      }
      expect(cronEnvironment(text).get('JWTROT_CONFIG')).toBe(source);
      // One line and no more: four comments, four variables, two jobs.
      expect(text.split('\n')).toHaveLength(11);
    }
    expect(refused).toBeLessThan(10);
    expect(refused).toBeGreaterThan(0);
  });

  it('is not so long that cron would cut it', () => {
    expect(() => cronVariable('JWTROT_CONFIG', `/${'a'.repeat(1_000)}`)).toThrow(
      expect.objectContaining({ code: 'not-for-cron' }),
    );
  });
});

describe('text in the polkit rule', () => {
  it('is a string of ECMAScript 5', () => {
    for (const text of [...PATHS, 'a\u2028b\u2029c', '</script>', '\\d/']) {
      const written = scriptString(text);
      expect(new Function(`return ${written};`)()).toBe(text);
      expect(written).toMatch(/^[ -~]*$/);
    }
  });
});

describe('a word for a shell', () => {
  it('is one argument, whatever it holds', () => {
    const script = `printf '%s\\0' ${PATHS.map(shellWord).join(' ')}`;
    const { stdout, status } = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' });
    expect(status).toBe(0);
    expect(stdout.split('\0').slice(0, -1)).toEqual(PATHS);
    expect(spawnSync('/bin/sh', ['-n'], { input: script }).status).toBe(0);
  });
});
