import type { Manifest } from '../../src/keyset/manifest/model.js';
import type { Site } from './site.js';

/** What is under way when the run is killed. */
export interface Scenario {
  readonly name: string;
  /** Makes what it begins from. */
  prepare(site: Site): Promise<void>;
  args(site: Site): Promise<readonly string[]>;
  /** The key whose publication it ends; null when it ends none. */
  ends(site: Site): Promise<string | null>;
  /** The operator asked for it: where the killed run had not recorded that yet, he asks again. */
  readonly incident: boolean;
  /** What stays when all is settled: the next key that waits for `publishAhead`, or the back-off after a failure. */
  readonly leaves?: 'pending' | 'backoff';
  /** How it ends when nobody disturbs it, if not with 0. */
  readonly code?: 4;
  /** It waits for a service in vain: how often it polls, and so its last points, are a matter of time. */
  readonly isTimed?: true;
  /** Where it had not come to its end, the next `rotate` may refuse (exit 5): then it is asked for again. */
  readonly isAskedAgain?: boolean;
  /** What the next run must have come to, whenever this one was killed; what of it is missing. */
  missing?(manifest: Manifest): string[];
}

function inState(version: number, state: string) {
  return ({ keys }: Manifest): string[] => {
    const found = keys.find((key) => key.version === version)?.state;
    return found === state ? [] : [`v${version} is ${found}, not ${state}`];
  };
}

async function kidOf(site: Site, version: number): Promise<string> {
  const key = (await site.manifest())?.keys.find((one) => one.version === version);
  if (key === undefined) throw new Error(`there is no v${version}`);
  return key.kid;
}

async function waitUntil(instant: number | null | undefined): Promise<void> {
  const left = (instant ?? 0) + 100 - Date.now();
  if (Number.isNaN(left)) throw new Error('the former key has no end');
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, left)));
}

const nothingEnds = async () => null;

const first: Scenario = {
  name: 'the first rotation',
  prepare: async () => {},
  args: async () => ['rotate'],
  ends: nothingEnds,
  incident: false,
};

const immediate: Scenario = {
  name: 'an immediate rotation',
  async prepare(site) {
    await site.restore();
    await site.run('rotate');
    await site.save();
  },
  args: async () => ['rotate', '--immediate'],
  ends: nothingEnds,
  incident: false,
};

const retirement: Scenario = {
  name: 'the retirement of the active key',
  prepare: immediate.prepare,
  args: async (site) => ['retire', '--kid', await kidOf(site, 1), '--purge', '--yes', '--deadline', '60s'],
  ends: (site) => kidOf(site, 1),
  incident: true,
};

/** Between its files, a directory is neither as before nor as it is to be. */
const fromDirectory: Scenario = {
  name: 'the retirement of a key from a directory',
  async prepare(site) {
    const publish = [
      { file: site.world.path('public/jwks.json') },
      { directory: site.world.folderFor('public/keys'), format: 'pem' },
    ];
    site.configure({ publish });
    await site.run('rotate');
    await site.save();
  },
  args: retirement.args,
  ends: retirement.ends,
  incident: true,
};

/** Tokens of a second: the former key has expired by the time that this is saved. */
const expiry: Scenario = {
  name: 'the expiry of a key',
  async prepare(site) {
    site.configure({ maxTokenTtl: '1s', verifyFor: '4s' }, '3s');
    await site.restore();
    await site.run('rotate');
    await site.run('rotate', '--immediate');
    // The first reload could still bring it back: its clock starts in the first run after that.
    await waitUntil((await site.manifest())?.reloadsUntil);
    await site.run('rotate');
    const former = (await site.manifest())?.keys[0];
    await waitUntil((former?.signedUntil ?? Number.NaN) + (former?.verifyFor ?? 0));
    await site.save();
    site.configure({ maxTokenTtl: '1h' });
  },
  args: async () => ['rotate'],
  ends: (site) => kidOf(site, 1),
  incident: false,
};

const staging: Scenario = {
  name: 'the staging of a key',
  async prepare(site) {
    site.configure({ publishAhead: '1h' });
    await immediate.prepare(site);
  },
  args: async () => ['rotate', '--force'],
  ends: nothingEnds,
  incident: false,
  leaves: 'pending',
};

const activation: Scenario = {
  name: 'the activation of a staged key',
  async prepare(site) {
    site.configure({ publishAhead: '2s' });
    await site.restore();
    await site.run('rotate');
    await site.run('rotate', '--force');
    const { publishedAt = null, confirmedAt = null } = (await site.manifest())?.keys[1] ?? {};
    // Not before a slow reload of the gateway would have ended.
    await waitUntil(Math.max(publishedAt ?? Number.NaN, confirmedAt ?? Number.NaN) + 10_000);
    await site.save();
  },
  args: async () => ['rotate'],
  ends: nothingEnds,
  incident: false,
  missing: inState(2, 'active'),
};

const destruction: Scenario = {
  name: 'the destruction of a key',
  async prepare(site) {
    site.configure({}, '3s');
    await immediate.prepare(site);
    // Else signers are owed another look after the retirement on a quick machine, and none on a slow one.
    await waitUntil((await site.manifest())?.reloadsUntil);
    await site.run(...(await retirement.args(site)));
    // Verifiers are looked at once more when no reload can bring it back.
    await waitUntil((await site.manifest())?.retirements[0]?.checkAgainAt);
    await site.save();
    site.configure();
  },
  args: async () => ['rotate'],
  ends: nothingEnds,
  incident: false,
  missing: inState(1, 'destroyed'),
};

const rollback: Scenario = {
  name: 'a rollback by hand',
  async prepare(site) {
    await immediate.prepare(site);
    await site.run('rotate', '--immediate');
    await site.save();
  },
  args: async () => ['rollback', '--yes'],
  ends: nothingEnds,
  incident: false,
  leaves: 'backoff',
};

/** The issuer can't do with a new key: jwtrot finds out, and goes back to the former one. */
const wayBack: Scenario = {
  name: 'a rotation that is rolled back',
  async prepare(site) {
    await immediate.prepare(site);
    // It is waited for to the end of its time.
    site.configure({}, '10s', '3s');
    const former = await kidOf(site, 1);
    site.services.canUse = (kid) => kid === former;
  },
  args: async () => ['rotate', '--immediate'],
  ends: nothingEnds,
  incident: false,
  code: 4,
  isTimed: true,
  leaves: 'backoff',
  missing: inState(1, 'active'),
};

const adoption: Scenario = {
  name: 'the import of the key in use',
  async prepare(site) {
    await site.services.bringKey('legacy-2019');
    await site.save();
  },
  args: async (site) => ['import', '--jwk', site.world.path('private/api.jwk')],
  ends: nothingEnds,
  incident: false,
  isAskedAgain: true,
  missing: ({ keys }) =>
    keys[0]?.kid === 'legacy-2019' && keys[0].state === 'active' ? [] : ['it is not the active key'],
};

export const SCENARIOS: readonly Scenario[] = [
  first,
  immediate,
  retirement,
  expiry,
  staging,
  activation,
  destruction,
  rollback,
  wayBack,
  adoption,
  fromDirectory,
];
