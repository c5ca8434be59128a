import { describe, expect, it } from 'vitest';
import { fillPath, fillUnit, fillUrl } from '../../src/services/fill.js';

/** Whatever the rules for names and addresses let through. */
const at = (name: string, address: string | null = null) => ({ name, address });

describe('what is filled in', () => {
  it('is taken where it stays what it was', () => {
    expect(fillPath('/run/{name}/pid', at('a.b'))).toBe('/run/a.b/pid');
    expect(fillUnit('app@{name}.service', at('blue-1'))).toBe('app@blue-1.service');
    expect(fillUrl('http://{address}/x/{name}?n={name}', at('a:b', '[::1]:80'))).toBe(
      'http://[::1]:80/x/a%3Ab?n=a%3Ab',
    );
    expect(fillUrl('unix:/run/{name}.sock:/healthz', at('a'))).toBe('unix:/run/a.sock:/healthz');
    expect(fillUrl('http://h/../as-it-is', at('a'))).toBe('http://h/../as-it-is');
  });

  it.each([
    ['..', '/run/{name}/pid'],
    ['.', '/run/{name}'],
    ['.', '/run/{name}./pid'],
    ['a/../../b', '/run/{name}'],
    ['a/b', '/run/{name}/pid'],
    ['a\n', '/run/{name}'],
    ['a\0', '/run/{name}'],
    ['run', '{name}/pid'],
  ])('is no path with %j in %s', (name, template) => {
    expect(() => fillPath(template, at(name))).toThrow(
      expect.objectContaining({ code: 'bad-filling', kind: 'services' }),
    );
  });

  it.each([
    ['*', 'app@{name}.service'],
    ['[ab]', 'app@{name}.service'],
    ['?', 'app@{name}.service'],
    ['-H', '{name}.service'],
    ['a b', '{name}.service'],
    ['a/b', '{name}.service'],
    ['x'.repeat(250), '{name}.service'],
    ['a', '{name}'],
  ])('is no unit with %j in %s', (name, template) => {
    expect(() => fillUnit(template, at(name))).toThrow(expect.objectContaining({ code: 'bad-filling' }));
  });

  it('is no unit, but a pattern for systemctl, with an IPv6 address', () => {
    expect(() => fillUnit('app@{address}.service', at('a', '[fe80::1]:80'))).toThrow(/is no unit with/);
  });

  it.each([
    ['http://h:80/{name}/x', '..', null],
    ['http://h:80/%2e{name}/x', '.', null],
    ['http://{address}/x', 'a', 'h:80/admin'],
    ['http://{address}/x', 'a', 'good@evil:80'],
    ['http://{address}/x', 'a', 'h:80?x'],
    ['http://{address}/x', 'a', 'h:80#x'],
    ['http://{address}/x', 'a', 'h\\evil:80'],
    ['http://{address}/x', 'a', 'h:99999'],
    ['http://{name}/x', 'evil:80', null],
    ['http://{address}/x', 'a', '\th:80'],
  ])('is no URL of %s with %j and %j', (template, name, address) => {
    expect(() => fillUrl(template, at(name, address))).toThrow(expect.objectContaining({ code: 'bad-filling' }));
  });
});
