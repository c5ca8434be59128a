import { describe, expect, it } from 'vitest';
import { palette } from '../../src/cli/output/paint.js';
import { widthOf, wrap } from '../../src/cli/output/wrap.js';

const KID = 'kuN01Qut-IW6rOO_3AWB8KefD19AdOY0YWqEe5EMbXk';

describe('lines for a terminal', () => {
  it('break at spaces alone, and are no longer than it is wide', () => {
    const text = `hint: run it again with jwtrot retire --kid ${KID} --yes when the store and KMS answer again`;
    for (const columns of [120, 80, 60]) {
      const lines = wrap(text, columns).split('\n');
      expect(lines.every((line) => line.length <= columns)).toBe(true);
      expect(lines.map((line) => line.trim()).join(' ')).toBe(text);
    }
  });

  it('keep a word that is longer than the terminal whole, on a line of its own from its first column on', () => {
    expect(wrap(`key ${KID} is gone`, 40).split('\n')).toEqual(['key', KID, '  is gone']);
  });

  it('go to the left for a word that fits so', () => {
    expect(wrap(`key ${KID} is gone`, 44).split('\n')).toEqual(['key', ` ${KID}`, '  is gone']);
    expect(wrap(`  SIGNS     ${KID}`, 44, 10).split('\n')).toEqual(['  SIGNS', ` ${KID}`]);
    expect(wrap(`  SIGNS     ${KID}`, 55, 10).split('\n')).toEqual([`  SIGNS     ${KID}`]);
  });

  it('are left alone where they fit, blank ones and indents too', () => {
    expect(wrap('store          directory /x', 40)).toBe('store          directory /x');
    expect(wrap('', 40)).toBe('');
    expect(wrap('  a long line that is indented', 20)).toBe('  a long line that\n    is indented');
  });

  it('do not count colours', () => {
    const { red } = palette(true);
    expect(widthOf(red('red'))).toBe(3);
    expect(wrap(red('one two'), 7)).toBe(red('one two'));
  });
});
