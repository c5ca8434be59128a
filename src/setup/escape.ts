import { JwtrotError } from '../keyset/basics/error.js';

/*
 * Configured paths become words in root's files. The schema refuses control characters, so no path can end its line.
 * These functions escape all else that has a meaning in a format, as the format's man page says.
 */

/** Characters without a meaning in any format. */
const PLAIN = /^[A-Za-z0-9/_.,:@%+=-]+$/;

/**
 * A word of a unit file or of tmpfiles.d. In double quotes "\" escapes the next character (systemd.syntax(7)); at the
 * end of a line it would join the next one. "%" begins a specifier (systemd.unit(5), tmpfiles.d(5)).
 */
export function systemdWord(text: string): string {
  const escaped = text.replaceAll('%', '%%').replace(/["\\]/g, '\\$&');
  return PLAIN.test(escaped) ? escaped : `"${escaped}"`;
}

/** In bytes. cron(8) silently cuts a longer line. */
const LONGEST_CRON_LINE = 900;

/**
 * A crontab(5) line that sets a variable. crontab(5) has no escapes, and Debian's cron drops a trailing blank, even in
 * quotes.
 * @param value must not begin with a blank or a quote
 * @throws JwtrotError `not-for-cron`
 */
export function cronVariable(name: string, value: string): string {
  const line = `${name}=${value}`;
  if (!line.endsWith(' ') && Buffer.byteLength(line) <= LONGEST_CRON_LINE) return line;
  throw new JwtrotError('usage', 'not-for-cron', `a crontab can't hold this path: "${value}"; nothing was changed`, {
    hint: 'move the configuration to /etc/jwtrot/jwtrot.yaml',
  });
}

/** A string for polkit's JavaScript: ECMAScript 5, which allows no bare U+2028. */
export function scriptString(text: string): string {
  return JSON.stringify(text).replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export { shellWord } from '../keyset/basics/outside-text.js';
