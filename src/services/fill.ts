import { isAbsolute } from 'node:path';
import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import { isUnitName } from './instance-rules.js';
import type { Instance } from './service.js';

/*
 * Fills in `{name}` and `{address}`. Harmless parts may form a harmful whole, so paths, unit names and URLs are checked
 * again after filling in.
 */

/** Fills in an argument of a command. @throws JwtrotError `no-address` */
export function fill(template: string, instance: Instance): string {
  return fillWith(template, instance, (name) => name);
}

/** Fills in the path of a file. @throws JwtrotError `no-address`, `bad-filling` */
export function fillPath(template: string, instance: Instance): string {
  const path = fill(template, instance);
  const isSafe =
    isAbsolute(path) && segmentsIn(path) === segmentsIn(template) && !isClimbing(path) && !hasControl(path);
  if (!isSafe) throw bad('path', template, instance);
  return path;
}

/** Fills in the name of a unit. @throws JwtrotError `no-address`, `bad-filling` */
export function fillUnit(template: string, instance: Instance): string {
  const unit = fill(template, instance);
  if (!isUnitName(unit)) throw bad('unit', template, instance);
  return unit;
}

/**
 * Fills in a URL: the address unchanged, the name percent-encoded. Neither may move the start of the host, path or query.
 * @throws JwtrotError `no-address`, `bad-filling`
 */
export function fillUrl(template: string, instance: Instance): string {
  const url = fillWith(template, instance, encodeURIComponent);
  if (url === template) return url;
  const isSame = shapeOf(url) === shapeOf(template);
  const isWhole = url.startsWith('unix:') || URL.canParse(url);
  const isSafe = isSame && isWhole && !isClimbing(url.split(/[?#]/)[0] ?? '') && !hasControl(url);
  if (!isSafe) throw bad('URL', template, instance);
  return url;
}

function fillWith(template: string, { name, address }: Instance, encode: (name: string) => string): string {
  // In one pass, so that a name with the text `{address}` is not filled in again.
  return template.replace(/\{(?:name|address)\}/g, (placeholder) => {
    if (placeholder === '{name}') return encode(name);
    if (address !== null) return address;
    throw new JwtrotError('services', 'no-address', `instance ${quoteOutside(name)} has no address to fill in`, {
      hint: 'give its service instances: [ { name, address } ], or write the address out instead of {address}',
    });
  });
}

/** The characters of a URL that separate its parts or may not occur in them, in order. */
function shapeOf(url: string): string {
  return url.replace(/[^/?#@\\\s]/g, '');
}

function segmentsIn(path: string): number {
  return path.split('/').length;
}

/** Whether a segment is `.` or `..`, also percent-encoded (WHATWG URL, section 4.2). */
function isClimbing(path: string): boolean {
  return path.split('/').some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment));
}

function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text);
}

function bad(what: string, template: string, { name, address }: Instance): JwtrotError {
  const filled = `{name} ${quoteOutside(name)} and {address} ${quoteOutside(address ?? '')}`;
  return new JwtrotError(
    'services',
    'bad-filling',
    `${quoteOutside(template)} is no ${what} with ${filled} filled in`,
    {
      hint: 'give the instance another name or address, or its service a unit, path or URL that takes them',
    },
  );
}
