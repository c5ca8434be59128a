import { describe, expect, test } from 'vitest';
import { load, problems } from './place.js';

const API = 'keysets:\n  api:\n    maxTokenTtl: 24h\n';

describe('YAML 1.2', () => {
  test.each([
    ['keysets:\n\tapi: 1\n', ':2:1: YAML is indented with spaces, not with tabs'],
    [`${API}---\n${API}`, ':4:1: a second YAML document begins here; a configuration is one'],
    [`%YAML 1.1\n---\n${API}`, ':1:1: a configuration is YAML 1.2: take the %YAML line out'],
    [
      'keysets:\n  api: *defaults\n',
      ':2:8: an alias (*name) without an anchor (&name) before it; put text that begins with * in quotes',
    ],
    [
      'keysets:\n  api: !include api.yaml\n',
      ':2:8: YAML tags (!name) are not used here; put text that begins with ! in quotes',
    ],
    [
      'keysets:\n  api: maxTokenTtl: 24h\n',
      ':2:8: not YAML: a second ": " in one line, or a line indented unlike its neighbours; put text that holds ": " in quotes',
    ],
    [
      'store: a\n  wrap: b\n',
      ':1:8: not YAML: a second ": " in one line, or a line indented unlike its neighbours; put text that holds ": " in quotes',
    ],
    ['keysets:\n  api:\n    maxTokenTtl: "24h\n  web: {}\n', ':3:18: not YAML: a quote begins here that never ends'],
    ['keysets:\n  ? [a, b]\n  : 1\n', ':2:5: the name of a field must be plain text'],
  ])('%j is refused', async (text, line) => {
    expect(await problems(text)).toEqual([`FILE${line}`]);
  });

  test('reports each broken line once', async () => {
    const lines = await problems('keysets:\n  api:\n    alg: @a @b\n    maxTokenTtl: %x %y\n');
    expect(lines.map((line) => line.split(': ')[0])).toEqual(['FILE:3:10', 'FILE:4:18']);
  });

  test('takes anchors, aliases and JSON', async () => {
    const shared = 'defaults: &d { maxTokenTtl: 24h }\nkeysets: { a: *d, b: *d }\n';
    expect((await load(shared)).keysets.map(({ name }) => name)).toEqual(['a', 'b']);
    expect((await load('{"keysets":{"json":{"maxTokenTtl":"24h"}}}')).keysets[0]?.name).toBe('json');
  });

  test('says where the aliased text stands', async () => {
    expect(await problems('defaults: &d { maxTokenTtl: 24h, alg: none }\nkeysets: { a: *d }\n')).toHaveLength(2);
    expect((await problems('defaults: &d { maxTokenTtl: 24h, alg: none }\nkeysets: { a: *d }\n'))[1]).toMatch(
      /^FILE:1:39: keysets\.a\.alg: /,
    );
  });

  test('does not merge with <<, which is YAML 1.1', async () => {
    const lines = await problems('defaults: &d { alg: ES256 }\nkeysets:\n  api:\n    maxTokenTtl: 24h\n    <<: *d\n');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^FILE:5:5: keysets\.api\["<<"\]: unknown field; known here: alg, /);
  });
});

describe('A name that is given twice', () => {
  test('is refused at the second place, and the first is checked', async () => {
    expect(await problems('keysets:\n  api:\n    maxTokenTtl: 1\n    maxTokenTtl: 24h\n  api: 5\n')).toEqual([
      'FILE:3:18: keysets.api.maxTokenTtl: must be a duration such as 90d, 36h or 15m, got 1',
      'FILE:4:5: keysets.api.maxTokenTtl: is given twice in the same map',
      'FILE:5:3: keysets.api: is given twice in the same map',
    ]);
  });

  test('is named with its list', async () => {
    const text = `${API}    services:\n      - { name: a, role: both }\n      - { name: b, role: both, name: c }\n`;
    expect(await problems(text)).toEqual(['FILE:6:32: keysets.api.services[1].name: is given twice in the same map']);
  });
});

describe('A name that JavaScript treats specially', () => {
  test.each(['constructor', '__proto__', 'prototype'])('%s is refused, not dropped', async (name) => {
    expect(await problems(`${API}  ${name}: { maxTokenTtl: 24h }\n`)).toContain(
      `FILE:4:3: keysets.${name}: this name can't be used`,
    );
  });
});

describe('A YAML bomb', () => {
  const laughs = (levels: number): string =>
    `a0: &a0 [x, x, x, x, x, x, x, x, x]\n${Array.from(
      { length: levels },
      (_, i) => `a${i + 1}: &a${i + 1} [${Array.from({ length: 9 }, () => `*a${i}`).join(', ')}]\n`,
    ).join('')}`;

  test('of aliases is refused', async () => {
    expect(await problems(laughs(12))).toEqual([
      'FILE:1:1: aliases (*name) stand for more than 1000 nodes, or for themselves',
    ]);
  });

  const maps = (levels: number): string =>
    Array.from({ length: levels }, (_, i) => `${' '.repeat(i)}a:${i === levels - 1 ? ' 1' : ''}\n`).join('');

  test.each([
    ['lists in one line', `a: ${'['.repeat(100_000)}`, '1:67'],
    ['lists that end', `a: ${'['.repeat(65)}${']'.repeat(65)}`, '1:67'],
    ['maps in lines', maps(1200), '65:65'],
    ['one level too many', maps(65), '65:65'],
    ['a document behind the first', `a: 1\n---\n${maps(70)}`, '67:65'],
  ])('of depth is refused: %s', async (_, text, place) => {
    expect(await problems(text)).toEqual([`FILE:${place}: nested too deeply`]);
  });

  test('of more levels than a stack holds is refused', async () => {
    const lines = await problems(`${maps(1400)}b: 1\n`);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/: nested too deeply$/);
  });

  test('is not what has 64 levels', async () => {
    expect((await problems(maps(64))).join('\n')).not.toMatch('nested');
  });

  test('of breadth takes no more than seconds', async () => {
    // Of the processor, not of the clock: other work on the machine does not count.
    const before = process.cpuUsage();
    const lines = await problems(`${API}${Array.from({ length: 50_000 }, (_, i) => `k${i}: 1\n`).join('')}`);
    expect(lines.at(-1)).toBe('and 49950 more');
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1e6).toBeLessThan(15);
  });

  test('of an anchor within itself is refused', async () => {
    expect((await problems('keysets: &k\n  api: *k\n')).length).toBeGreaterThan(0);
  });
});
