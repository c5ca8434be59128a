import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { KeysetConfiguration } from '../../src/config/configuration.js';
import { parseDuration } from '../../src/keyset/basics/duration.js';
import { load } from './place.js';

const PAGE = await readFile(new URL('../../docs/gateways.md', import.meta.url), 'utf8');

/** A section's heading as its anchor, and its snippets. */
const SECTIONS = [...PAGE.matchAll(/^## (.*)\n([\s\S]*?)(?=^## |$(?![\s\S]))/gm)].map(
  ([, heading = '', text = '']) => ({
    anchor: heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .replace(/\s/g, '-'),
    snippets: [...text.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, yaml = '']) => yaml),
  }),
);
const SNIPPETS = SECTIONS.flatMap(({ anchor, snippets }) => snippets.map((yaml) => ({ anchor, yaml })));

/** The rows of the table of consumers. */
const ROWS = [...PAGE.matchAll(/^\| \[([^\]]+)\]\(#([\w-]+)\) \|(.*)\|$/gm)].map(
  ([, name = '', anchor = '', rest = '']) => {
    const [cache = '', unknownKid = '', , policy = '', health = ''] = rest.split('|').map((cell) => cell.trim());
    return { name, anchor, cache, unknownKid, policy, health };
  },
);

async function keysetOf(yaml: string): Promise<KeysetConfiguration> {
  const lines = ['maxTokenTtl: 1h', ...yaml.split('\n')].map((line) => `    ${line}`);
  const { keysets } = await load(['keysets:', '  api:', ...lines, ''].join('\n'));
  const [keyset] = keysets;
  if (keyset === undefined) throw new Error('no keyset');
  return keyset;
}

const keysetsOf = (anchor: string) =>
  Promise.all(SNIPPETS.filter((one) => one.anchor === anchor).map(({ yaml }) => keysetOf(yaml)));

describe('docs/gateways.md', () => {
  test('has a row for each consumer, and a section for each row', () => {
    expect(ROWS.length).toBeGreaterThan(14);
    const anchors = SECTIONS.map(({ anchor }) => anchor);
    expect(ROWS.filter(({ anchor }) => !anchors.includes(anchor))).toEqual([]);
    expect(SNIPPETS.filter(({ anchor }) => !ROWS.some((row) => row.anchor === anchor))).toEqual([]);
  });

  test.each(SNIPPETS)('has snippets that are taken: $anchor', async ({ yaml }) => {
    const { policy, services } = await keysetOf(yaml);
    expect(policy.publishAhead).toBeGreaterThan(policy.jwksMaxAge);
    for (const { role, health } of services) {
      expect(role).toBe('verifier');
      if (health?.type === 'canary') expect(health.claims).toHaveProperty('iss');
    }
  });

  test.each(ROWS.filter(({ policy }) => /`jwksMaxAge: /.test(policy)))(
    'says the same in table and snippet: $name',
    async ({ anchor, policy: cell }) => {
      const keysets = await keysetsOf(anchor);
      const said = [...cell.matchAll(/`jwksMaxAge: (\w+)`/g)].map(([, text = '']) => parseDuration(text));
      expect(said).toHaveLength(1);
      expect(keysets.map(({ policy }) => policy.jwksMaxAge)).toContain(said[0]);
      const most = /`maxKeys: (\d+)`/.exec(cell)?.[1];
      if (most !== undefined) expect(keysets.map(({ policy }) => policy.maxKeys)).toEqual([Number(most)]);
    },
  );

  test.each(ROWS.filter(({ cache, unknownKid }) => /^\d/.test(cache) && !unknownKid.startsWith('fetches')))(
    'waits for a canary for longer than the cache lasts, where no fetch is certain: $name',
    async ({ anchor }) => {
      const keysets = await keysetsOf(anchor);
      const waits = keysets.flatMap(({ policy, services }) =>
        services.map(({ health }) => (health?.deadline ?? 0) - policy.jwksMaxAge),
      );
      expect(waits.length).toBeGreaterThan(0);
      for (const wait of waits) expect(wait).toBeGreaterThan(0);
    },
  );
});
