import { describe, expect, it } from 'vitest';
import { valueAt } from '../../src/services/pointer.js';

// RFC 6901 section 5.
const DOCUMENT = JSON.parse(
  '{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\\\j":5,"k\\"l":6," ":7,"m~n":8,"__proto__":9}',
);

describe('a pointer into a JSON document', () => {
  it.each([
    ['', DOCUMENT],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
    ['/__proto__', 9],
  ])('finds %j, as in RFC 6901', (pointer, value) => {
    expect(valueAt(DOCUMENT, pointer)).toEqual(value);
  });

  it('reads ~01 as ~1, not as a slash', () => {
    expect(valueAt({ '~1': 'right', '/': 'wrong' }, '/~01')).toBe('right');
  });

  it.each([
    '/nothing',
    '/foo/2',
    '/foo/-',
    '/foo/01',
    '/foo/length',
    '/foo/0/0',
    '/constructor',
    '/toString',
    'foo',
    '/m~n',
    '/~',
  ])('finds nothing at %j', (pointer) => {
    expect(valueAt(DOCUMENT, pointer)).toBeUndefined();
  });
});
