import { describe, expect, it } from 'vitest';
import { picture, sumsText } from '../../src/demo/picture.js';
import { doing, nameOf, secondsOf, stretches } from '../../src/demo/timeline.js';
import { TIMELINE } from './timeline.js';

const SUMS = { tokens: 1204, checks: 90, rejected: 2 };

describe('a timeline', () => {
  it('tells in each slice whether a key signs or is accepted', () => {
    const { slices } = TIMELINE;
    expect(stretches(slices, 'a')).toEqual([
      { doing: 'signs', from: 0, to: 6 },
      { doing: 'accepted', from: 6, to: 8 },
    ]);
    expect(stretches(slices, 'b')).toEqual([
      { doing: 'accepted', from: 4, to: 5 },
      { doing: 'signs', from: 5, to: 10 },
    ]);
    expect(doing(slices[9] ?? slices[0]!, 'a')).toBe('nothing');
  });

  it('names keys and times for people', () => {
    expect(nameOf(TIMELINE.kids, 'b')).toBe('k2');
    expect(secondsOf(4_210)).toBe('  4.2 s');
    expect(sumsText(SUMS)).toBe('1204 tokens, 90 checks, 2 rejected');
  });
});

describe('the picture of a demonstration', () => {
  const svg = picture(TIMELINE, SUMS);
  const bars = (color: string) => svg.split('\n').filter((line) => line.startsWith('<rect') && line.includes(color));

  it('has a bar for each stretch of a key, and one for each tenth of a second with checks', () => {
    const inLegend = 1;
    expect(bars('#1f6feb')).toHaveLength(inLegend + 2);
    expect(bars('#b6d4fe')).toHaveLength(inLegend + 2);
    expect(bars('#8c959f')).toHaveLength(inLegend + 9);
    expect(bars('#cf222e')).toHaveLength(inLegend + 1);
  });

  it('numbers commands and troubles, and lists them with what they came to', () => {
    expect(svg).toContain('>1    0.4 s  jwtrot rotate --immediate</text>');
    expect(svg).toContain('>2    0.8 s  k1 &lt;leaks&gt; &amp; is "retired"</text>');
    expect(svg).toContain('>3    0.8 s  jwtrot retire --kid a</text>');
    expect(svg).toContain('>     0.5 s  rotated in 0.1 s: k2 signs</text>');
  });

  it('needs nothing else, and is well-formed', () => {
    expect(svg).not.toMatch(/href|<script|url\(|@import/);
    const open: string[] = [];
    for (const [, end, name, own] of svg.matchAll(/<(\/?)(\w+)(?:[^<>]*?)(\/?)>/g)) {
      if (end === '/') expect(open.pop()).toBe(name);
      else if (own !== '/') open.push(name ?? '');
    }
    expect(open).toEqual([]);
  });
});
