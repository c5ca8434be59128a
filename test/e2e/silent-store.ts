import { copyFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type AwsServer, type FaultRule, startAwsServer } from '../aws/server.js';
import { openAwsSite } from './aws-command.js';
import { accepts, mint, type RotateDocument, type Site } from './fixtures.js';
import { deliveredKid, publishedKids, statesOf } from './look.js';

/*
 * An incident while Secrets Manager falls silent. What is tried is in several files, since each retire lasts until its
 * deadline: workers share them.
 */

export const REQUESTED =
  'the store has the request, and does not know yet that the key is retired; this host remembers it';
export const IN_DOUBT = 'is in doubt, since a commit went unanswered; this host remembers it';

/** No answer to this call, nor to any after it; it takes effect first where that is said. */
export function silentFrom(operation: string, nth = 1, mode: FaultRule['mode'] = 'silence'): FaultRule {
  return { operation, nth, mode, thenSilent: true };
}

export const retireCommand = (deadline: string, ...named: string[]) => [
  'retire',
  ...named,
  '--yes',
  '--deadline',
  deadline,
];

/** The server of one test file, and the site of its present test. */
export class SilentStore {
  server!: AwsServer;
  site!: Site;

  /** For the file that makes it: starts the server, and takes away what each test leaves. */
  constructor() {
    beforeAll(async () => {
      this.server = await startAwsServer();
    });
    afterEach(async () => {
      this.server.heal();
      await this.site.world.close();
    });
    afterAll(() => this.server.close());
  }

  get jwks(): string {
    return this.site.world.path('public/jwks.json');
  }

  /** What is delivered to the signer. */
  get key(): string {
    return this.site.world.path('private/api.jwk');
  }

  /** The leaked key itself, as it lay where signers read it. */
  get kept(): string {
    return this.site.world.path('leaked.jwk');
  }

  async twoKeys(): Promise<readonly [former: string, leaked: string]> {
    this.site = await openAwsSite(this.server);
    const active = async (...options: string[]) =>
      (await this.site.world.json<RotateDocument>(['rotate', ...options])).document.keysets[0]!.active!;
    const kids = [await active(), await active('--immediate')] as const;
    copyFileSync(this.key, this.kept);
    return kids;
  }

  async retire(deadline: string, ...named: string[]) {
    const { code, document } = await this.site.world.json<RotateDocument>(retireCommand(deadline, ...named));
    const [keyset] = document.keysets ?? [];
    const problems = keyset?.problems ?? [];
    return { code, document, outcome: keyset?.outcome, problems, said: problems.at(-1) };
  }

  delivered(): string | null {
    try {
      return deliveredKid(this.site);
    } catch {
      return null;
    }
  }

  /** When the store answers, the same command ends what was begun. */
  async endsAgain(leaked: string): Promise<void> {
    this.server.heal();
    const again = await this.retire('10s', '--kid', leaked);
    expect(again.code, JSON.stringify(again)).toBe(0);
    expect(await statesOf(this.site)).toMatchObject({ v2: 'retired', v3: 'active' });
    expect(publishedKids(this.site)).not.toContain(leaked);
    expect(await accepts(this.site, await mint(this.site))).toBe(true);
  }
}

export interface Instant {
  readonly rule: FaultRule;
  readonly deadline: string;
  /** Where the replacement is by then. */
  readonly published: boolean;
  readonly delivered: boolean;
  readonly knows: string;
  readonly next: string;
}

/** The tests of a retire amid which the store falls silent, by when it does. */
export function instantsSuite(store: SilentStore, instants: Readonly<Record<string, Instant>>): void {
  it.each(Object.entries(instants))('%s: what is said of outlets and store is so', async (_, instant) => {
    const [former, leaked] = await store.twoKeys();
    store.server.fail(instant.rule);
    const { code, outcome, said } = await store.retire(instant.deadline, '--kid', leaked);
    expect({ code, outcome, problem: said?.code }).toEqual({ code: 4, outcome: 'retired', problem: 'store-failed' });
    const [first, replacement, ...more] = publishedKids(store.site);
    expect([first, replacement !== undefined, more]).toEqual([former, instant.published, []]);
    expect(store.delivered()).toBe(instant.delivered ? replacement : null);
    const { jwks, key } = store;
    const places = instant.delivered ? `${jwks}, ${key}` : jwks;
    const added = instant.published
      ? `; before that this run had added key "${replacement}" to ${places};`
      : ', and nothing was added to any;';
    expect(said?.message).toContain(`the key is not in ${jwks}, ${key}${added}`);
    expect(said?.message).toContain(instant.knows);
    const again = `when the store answers, give the same command again (jwtrot retire --kid ${leaked}): `;
    expect(said?.hint).toContain(`${again}${instant.next}`);
    await store.endsAgain(leaked);
  });
}
