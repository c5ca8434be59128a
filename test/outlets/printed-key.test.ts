import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { newPair } from '../support/manifest.js';
import { KeyPlace, SAYS, TAKES } from './key-place.js';
import { expectNoKey } from './private-key-text.js';
import { contentOf, keyFrom, refusal, tryToWrite, write } from './support.js';

describe('a private key that a command prints is in no message and no holding', () => {
  const PRINTS = {
    'as it is': 'cat',
    'in base64': 'base64 -w0',
    'in base64, in short lines': 'base64 -w7',
    'in hexadecimal': 'od -An -tx1 | tr -d " \\n"',
    'split over lines': 'fold -w 5',
    'a part of it': 'head -c 120',
    'its end': 'tail -c 100 | tr -d "\\n"',
  };
  const formats = ['pem', 'jwk'] as const;
  const all = Object.entries(PRINTS).flatMap(([how, filter]) => formats.map((format) => ({ how, filter, format })));

  it.each(all)('$how, as $format', async ({ filter, format }) => {
    const [one, two] = [await newPair(), await newPair()];
    const [first, switched] = [contentOf(3, [one, two]), contentOf(4, [two, one])];
    const place = new KeyPlace();
    const prints = `${filter} < $F/key | tee /dev/stderr`;
    const holds = `test ! -e $F/key || ${prints}`;
    const command = `cat > $F/key; ${prints}; printf %s "$JWTROT_KID" > $F/kid; exit 3`;
    for (const outlet of [
      place.outlet(command, SAYS, { format }),
      place.outlet(TAKES, holds, { format, timeout: 500 }),
      place.outlet(TAKES, `${holds}; exit 3`, { format }),
    ]) {
      for (const name of ['key', 'kid', 'state']) rmSync(place.path(name), { recursive: true, force: true });
      const port = place.port(outlet);
      const error = await refusal(write(port, first, { privateKey: keyFrom(one).ask }));
      // The check itself would see it.
      expect(() => expectNoKey(place.read('key'), one)).toThrow();
      const holdings = await port.observe(2_000);
      const later = await tryToWrite(port, switched, { privateKey: keyFrom(two).ask }).catch((reason) => reason);
      const said = [error.message, error.hint, error.cause, later.message, later.hint, later.problems];
      const shown = [...said, ...holdings.map(({ keys, ...rest }) => [rest, keys?.filter((key) => !key.isSaid)])];
      expectNoKey(JSON.stringify([...shown, await port.undeliverable(10_000), await port.keys(2_000)]), one);
    }
  });
});
