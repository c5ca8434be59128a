const WIDTH = 76;

/** The effective lines: no comments, blank lines or headings. */
export function settingsOf(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '' && !/^\s*[#;[]/.test(line));
}

/** Fills lines of at most 76 columns with words. */
export function fillLines(words: readonly string[]): string {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 2 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${last}  ${word}`;
  }
  return lines.join('\n');
}
