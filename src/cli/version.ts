import { readFileSync } from 'node:fs';

/** Reads the package's version. dist/ and src/cli/ lie at different depths. */
function readVersion(): string {
  for (const up of ['..', '../..']) {
    try {
      const text = readFileSync(new URL(`${up}/package.json`, import.meta.url), 'utf8');
      return String((JSON.parse(text) as { version: unknown }).version);
    } catch {
      // not at this depth
    }
  }
  return 'unknown';
}

export const VERSION = readVersion();
