import { JwtrotError } from '../keyset/error.js';

/** Input that is not a key to work with (exit 2). Neither `message` nor a cause ever quotes the input: it may be secret. */
export function badKey(message: string, hint?: string): JwtrotError {
  return new JwtrotError('usage', 'bad-key', message, hint === undefined ? {} : { hint });
}
