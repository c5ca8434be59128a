import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { load } from './place.js';

const FOLDER = fileURLToPath(new URL('../../examples', import.meta.url));
const CONFIGURED = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('/jwtrot.yaml'),
);

describe('examples', () => {
  it.each(CONFIGURED)('%s is taken, with its services polled', async (name) => {
    const { keysets } = await load(readFileSync(`${FOLDER}/${name}`, 'utf8'));
    expect(keysets).toHaveLength(1);
    for (const { services } of keysets) {
      expect(services.length).toBeGreaterThan(0);
      for (const { health } of services) expect(health).not.toBeNull();
    }
  });

  it('has configurations', () => {
    expect(CONFIGURED.length).toBeGreaterThan(3);
  });
});
