import { JwtrotError } from '../keyset/error.js';
import { quoteOutside } from '../keyset/outside-text.js';
import type { Instance } from './service.js';

/** Would change what a URL or an argument list means: white space, control characters, parts of a URL, an option's `-`. */
const MEANS_MORE = /[\s\p{C}@/\\?#]|^-/u;

/** May text from outside stand in a URL, a path and an argument list? */
export function isPlain(text: string): boolean {
  return text !== '' && text.length <= 253 && !MEANS_MORE.test(text);
}

/** Fills `{name}` and `{address}` into an argument, a unit's name or a path. @throws JwtrotError `no-address` */
export function fill(template: string, instance: Instance): string {
  return fillWith(template, instance, (name) => name);
}

/** The same for a URL: the address goes in as it is, the name percent-encoded. @throws JwtrotError `no-address` */
export function fillUrl(template: string, instance: Instance): string {
  return fillWith(template, instance, encodeURIComponent);
}

function fillWith(template: string, { name, address }: Instance, encode: (name: string) => string): string {
  // In one pass: a name that reads `{address}` stays a name.
  return template.replace(/\{(?:name|address)\}/g, (placeholder) => {
    if (placeholder === '{name}') return encode(name);
    if (address !== null) return address;
    throw new JwtrotError('services', 'no-address', `instance ${quoteOutside(name)} has no address to fill in`, {
      hint: 'give its service instances: [ { name, address } ], or write the address out instead of {address}',
    });
  });
}
