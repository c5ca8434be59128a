import { afterEach, describe, expect, it } from 'vitest';
import { accepts, mint, openSite, type RotateDocument, type Site, type StatusDocument } from './fixtures.js';

/** An AWS endpoint, and a KMS key there. */
export interface AwsTarget {
  readonly endpoint: string;
  readonly keyId: string;
  readonly region: string;
}

export function awsEnv({ endpoint, region }: AwsTarget): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret-of-the-test',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

let counter = 0;

/** A site whose keys live in Secrets Manager, wrapped by KMS; each with a prefix of its own. */
export async function openAwsSite(target: AwsTarget): Promise<Site & { prefix: string }> {
  const site = await openSite();
  counter += 1;
  const prefix = `test/${process.pid}-${counter}`;
  const configuration = (changes: Record<string, unknown> = {}) => ({
    ...site.configuration(changes),
    store: { type: 'secrets-manager', prefix },
    wrap: { type: 'kms', keyId: target.keyId },
  });
  site.world.configure(configuration());
  site.world.defaultEnv = awsEnv(target);
  return { ...site, configuration, prefix };
}

/** The main job over the AWS protocol: the same whoever answers. */
export function awsCommandSuite(name: string, target: () => AwsTarget): void {
  describe(`the real command on ${name}`, () => {
    let site: Site & { prefix: string };
    afterEach(() => site.world.close());

    it('makes a keyset, rotates it, and retires a leaked key', async () => {
      site = await openAwsSite(target());
      const first = await site.world.json<RotateDocument>(['rotate']);
      expect(first.stderr).toBe('');
      expect(first.document.keysets[0]!.outcome).toBe('rotated');
      const old = await mint(site);

      const second = await site.world.json<RotateDocument>(['rotate', '--immediate']);
      expect(second.document.keysets[0]!.outcome).toBe('rotated');
      expect(await accepts(site, old)).toBe(true);
      expect(await accepts(site, await mint(site))).toBe(true);

      const kid = second.document.keysets[0]!.active!;
      const retired = await site.world.json<RotateDocument>(['retire', '--kid', kid, '--yes', '--deadline', '10s']);
      expect(retired.code).toBe(0);
      expect(site.world.readJson('public/jwks.json').keys.map((key) => key.kid)).not.toContain(kid);
      const { document } = await site.world.json<StatusDocument>(['status']);
      expect(document.keysets[0]!.keys.map((key) => key.state)).toEqual(['deprecated', 'retired', 'active']);
      expect((await site.world.run(['rotate'])).stdout).toMatch(/^api: nothing due; active v3 /);
    });

    it('lets four runs at once make one key', async () => {
      site = await openAwsSite(target());
      const runs = await Promise.all([1, 2, 3, 4].map(() => site.world.json<RotateDocument>(['rotate'])));
      expect(runs.map((run) => run.code).filter((code) => code !== 0 && code !== 75)).toEqual([]);
      await site.world.run(['rotate']);
      const { document } = await site.world.json<StatusDocument>(['status']);
      expect(document.keysets[0]!.keys.map((key) => key.state)).toEqual(['active']);
    });
  });
}
