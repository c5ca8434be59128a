import { JwtrotError } from '../keyset/basics/error.js';

/** An unusable key from outside (exit 2). The input may be secret: `message` must not quote it, and a cause might. */
export function badKey(message: string, hint?: string): JwtrotError {
  return new JwtrotError('usage', 'bad-key', message, hint === undefined ? {} : { hint });
}
