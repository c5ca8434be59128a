/*
 * The formats as their programs read them, small: the real ones read the same paths in test/systemd.
 */

/** systemd.syntax(7): the words of a value, then systemd.unit(5): "%%" is "%", and no other specifier may be left. */
export function systemdWords(value: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let i = 0; i < value.length; i += 1) {
    const c = value.charAt(i);
    if (quote === '' && (c === ' ' || c === '\t')) {
      if (word !== null) words.push(word);
      word = null;
      continue;
    }
    word ??= '';
    if (c === '\\') {
      i += 1;
      const escaped = value.charAt(i);
      if (!['\\', '"', "'"].includes(escaped)) throw new Error(`an escape with a meaning of its own: \\${escaped}`);
      word += escaped;
    } else if (quote === c) quote = '';
    else if (quote === '' && (c === '"' || c === "'")) quote = c;
    else word += c;
  }
  if (quote !== '') throw new Error('a quote is open at the end');
  if (word !== null) words.push(word);
  return words.map((one) =>
    one.replace(/%(.?)/gs, (_, letter) => {
      if (letter !== '%') throw new Error(`a specifier: %${letter}`);
      return '%';
    }),
  );
}

/** The lines of a unit file or of tmpfiles.d: an odd number of "\" at an end joins the next line. */
export function systemdLines(text: string): string[] {
  const lines = text.split('\n').filter((line) => !/^\s*[#;]/.test(line));
  for (const line of lines) if (/(?<!\\)(?:\\\\)*\\$/.test(line)) throw new Error(`goes on: ${line}`);
  return lines.filter((line) => line !== '');
}

/** load_env() of Debian's cron: a name, "=", a value that may be quoted; blanks at the end are dropped, in quotes too. */
export function cronEnvironment(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^\s*([A-Za-z_]\w*)\s*=\s*(.*)$/s.exec(line) ?? [];
    if (name === undefined || value === undefined) continue;
    const quote = /^["']/.exec(value)?.[0] ?? '';
    const inside = quote === '' ? value : value.slice(1, value.indexOf(quote, 1));
    found.set(name, inside.replace(/[ \t]+$/, ''));
  }
  return found;
}
