import { describe, expect, it } from 'vitest';
import { publishedKids } from './look.js';
import { retireCommand, SilentStore, silentFrom } from './silent-store.js';

const store = new SilentStore();

describe('the same command while Secrets Manager is silent still', { timeout: 120_000 }, () => {
  it('says that the key was retired here and is in no outlet, and exits 4', async () => {
    const [former, leaked] = await store.twoKeys();
    store.server.fail(silentFrom('PutSecretValue', 2));
    expect((await store.retire('4s', '--kid', leaked)).code).toBe(4);
    const text = await store.site.world.run(retireCommand('4s', '--kid', leaked.slice(0, 10)));
    expect(text.code, text.stderr).toBe(4);
    expect(text.stdout).toBe('api: retired\n');
    const here = `this host has retired key "${leaked}" already: the key is not in ${store.jwks}, ${store.key}; the store can't be read, so jwtrot can't tell whether it knows of the retirement: give the command again when it can be read`;
    expect(text.stderr).toContain(here);
    expect(text.stderr).toContain('already; the store is asked until the deadline, and told when it answers\n');
    const next = `when the store answers, give the same command again: jwtrot retire --kid ${leaked}`;
    expect(text.stderr).toContain(`hint: ${next}\n`);
    const { code, document, outcome, said } = await store.retire('2s', '--kid', leaked);
    expect({ code, outcome, error: document.error }).toEqual({ code: 4, outcome: 'retired', error: undefined });
    expect(said).toMatchObject({ code: 'store-failed', message: expect.stringContaining(here), hint: next });

    // The key itself has its public half: verifiers are asked, too.
    const itself = await store.retire('2s', '--key', store.kept);
    expect(itself.code).toBe(4);
    expect(itself.problems.map((one) => one.code)).not.toContain('key-unknown');
    expect(itself.said?.message).toContain('; this host had retired the key already');

    // One that nobody knows, beside it.
    const mistyped = await store.retire('2s', '--kid', 'nobody-knows-me');
    expect(mistyped.document.error).toMatchObject({
      exit: 3,
      code: 'deadline-passed',
      message: expect.stringMatching(
        /^"nobody-knows-me" is known to no keyset that could be read, to no outlet and not to what this host remembers \(mistyped\?\); keyset api could not be read: no answer from Secrets Manager .*; nothing was changed$/,
      ),
      hint: expect.stringMatching(
        /^if it was mistyped: jwtrot retire --kid KID.*; keyset api: .*the same command again/,
      ),
    });
    expect(publishedKids(store.site)).toEqual([former]);
    await store.endsAgain(leaked);
  });

  it('says where the key is still', async () => {
    const [former, leaked] = await store.twoKeys();
    expect((await store.retire('10s', '--kid', former)).code).toBe(0);
    store.server.fail({ operation: '*', mode: 'silence' });
    expect((await store.retire('2s', '--kid', leaked)).code).toBe(4);
    // The only key of a JWKS stays in it.
    expect(publishedKids(store.site)).toEqual([leaked]);
    const { code, said } = await store.retire('2s', '--kid', leaked);
    expect(code).toBe(4);
    expect(said?.message).toContain(`the key may still be in ${store.jwks}, it is not in ${store.key}`);
    expect(said?.message).toContain('this host had retired the key already');
    await store.endsAgain(leaked);
  });
});
