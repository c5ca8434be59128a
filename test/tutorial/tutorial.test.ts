import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { Page, shape } from '../support/page.js';
import { Reader } from '../support/reader.js';

const EXAMPLE = fileURLToPath(new URL('../../examples/node', import.meta.url));
const example = (name: string) => readFileSync(join(EXAMPLE, name), 'utf8');
/** The key that each greeting names. */
const keysIn = (text: string) => [...text.matchAll(/^hello ada, by key (\S{8})$/gm)].map(([, key]) => key);
/** Without which key it is. */
const greetings = (text: string) => text.match(/^(?:hello ada, by key|unknown-kid).*$/gm)?.map(named) ?? [];
const named = (line: string) => line.replace(/by key \S{8}/, 'by key KEY');

let reader: Reader;
afterEach(() => reader.leave());

/** Types the shell blocks of a text, and says what each printed. */
async function play(text: string): Promise<string[]> {
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
  const { code, stdout, stderr } = await reader.type(blocks);
  expect(code, stderr).toBe(0);
  return stdout.split('== block\n').slice(1);
}

describe('docs/tutorial.md', () => {
  it('is what happens to a reader, to the end', async () => {
    const page = new Page('docs/tutorial.md');
    reader = await Reader.make();
    for (const [, name = '', code = ''] of page.text.matchAll(/^```js\n\/\/ (\S+\.mjs)\n(.*?)^```$/gms)) {
      expect(code).toBe(example(name));
      writeFileSync(join(reader.home, 'rotation', name), reader.ported(code));
    }
    const [, first = '', greeting = '', rotation = '', rollback = '', leak = ''] = await play(page.text);
    const printed = first.slice(first.indexOf('KEYSET')).replaceAll(reader.home, '/home/ada');
    expect(shape(printed)).toBe(page.printed('KEYSET'));
    const [v1] = keysIn(greeting);
    const [old, v2] = keysIn(rotation);
    const [back] = keysIn(rollback);
    const [v3] = keysIn(leak);
    expect(new Set([v1, v2, v3]).size).toBe(3);
    expect({ old, back }).toEqual({ old: v1, back: v1 });
    expect([greeting, rotation, leak].map(greetings)).toEqual(page.blocks().slice(1).map(greetings));
    expect(page.blocks()).toHaveLength(4);
  });

  it('has the configuration of the example', () => {
    const [, typed = ''] = /<<END\n(.*?)^END$/ms.exec(new Page('docs/tutorial.md').text) ?? [];
    const [comment = '', ...rest] = example('jwtrot.yaml').split(/(?<=\n)/);
    expect(comment).toMatch(/^# .*\n$/);
    expect(typed.replaceAll('$PWD', '/home/ada/rotation')).toBe(rest.join(''));
  });
});

describe('examples/node', () => {
  it('goes through a rotation and a leak as its README says', async () => {
    const page = new Page('examples/node/README.md');
    reader = await Reader.make();
    const [, , rotation = '', leak = ''] = await play(page.text);
    const [v1, old, v2] = keysIn(rotation);
    const [v3] = keysIn(leak);
    expect(old).toBe(v1);
    expect(new Set([v1, v2, v3]).size).toBe(3);
    expect([rotation, leak].map(greetings)).toEqual(page.blocks().map(greetings));
  });

  it('is what README.md begins with', async () => {
    const section = new Page('README.md').section('A real keyset');
    reader = await Reader.make();
    const [, rotation = ''] = await play(section);
    const [v1, v2] = keysIn(rotation);
    expect(v1).not.toBe(v2);
    expect(greetings(rotation)).toEqual(greetings(section));
  });
});
