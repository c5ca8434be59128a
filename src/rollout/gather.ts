import { SECOND } from '../keyset/basics/clock.js';
import { JwtrotError } from '../keyset/basics/error.js';
import { mayBeOld } from '../keyset/history/other-history.js';
import type { KeysetRecord } from '../keyset/history/record.js';
import { isDamaged } from '../keyset/manifest/encoding.js';
import type { PublicJwk } from '../keyset/manifest/key.js';
import type { Manifest } from '../keyset/manifest/model.js';
import type { Evidence, OutletEvidence, SecretEvidence, ServiceEvidence } from '../keyset/recovery/evidence.js';
import { type ServicePort, signs } from '../services/service.js';
import type { Snapshot } from '../store/store.js';
import type { KeysetContext } from './context.js';
import { withoutState } from './other-history.js';

/*
 * The evidence for `store recover`: asks everything that may know a key, and changes nothing.
 */

/** What only a recovery needs of outlets and keys. */
export interface RecoveryTools {
  /** What each outlet holds and what its record says. A single outlet never makes it reject. */
  inspectOutlets(record: KeysetRecord | null): Promise<readonly OutletEvidence[]>;
  /** Removes the records beside these outlets. The next write makes new ones. */
  dropRecords(outlets: readonly string[]): Promise<void>;
  /** @param privateKey PKCS#8 DER */
  publicHalf(privateKey: Uint8Array): Promise<{ readonly publicJwk: PublicJwk; readonly thumbprint: string }>;
}

export interface Gathered {
  readonly evidence: Evidence;
  /** The snapshot that the recovery's commit follows; null: none. */
  readonly base: Snapshot | null;
}

export async function gather(context: KeysetContext, tools: RecoveryTools): Promise<Gathered> {
  const { name } = context;
  const record = await readRecord(context);
  const { base, damage } = await readStore(context, record === 'damaged' ? null : record);
  // Salvage may find nothing but the damaged manifest.
  const manifest = base === null || base.manifest.revision === 0 ? null : base.manifest;
  const [outlets, services, secrets] = await Promise.all([
    tools.inspectOutlets(record === 'damaged' ? null : record),
    askServices(context),
    readSecrets(context, tools, manifest),
  ]);
  const evidence = { keyset: name, manifest, record, outlets, services, secrets };
  return { evidence: damage === undefined ? evidence : { ...evidence, damage }, base };
}

type Read = { readonly base: Snapshot | null; readonly damage: Evidence['damage'] };

/**
 * Reads the newest manifest. What may be an old copy is read again for as long as the store may lag behind.
 * @throws JwtrotError `stale-replica` (exit 75), `manifest-damaged` if nothing can be committed after it
 */
async function readStore(context: KeysetContext, record: KeysetRecord | null): Promise<Read> {
  const { store, name, clock, signal, report } = context;
  const home = await store.homeElsewhere(name);
  if (home !== null) throw isReplica(context, home);
  const end = clock.monotonic() + store.lag;
  for (let isFirst = true; ; isFirst = false) {
    const found = await readOrSalvage(context);
    const isOld = found.damage === undefined && mayBeOld(record, found.base?.manifest ?? null);
    if (!isOld || clock.monotonic() >= end) return found;
    const seconds = Math.ceil(store.lag / SECOND);
    const text = `${store.description} may have answered with an old copy: it is read again for ${seconds}s`;
    if (isFirst) report({ type: 'note', keyset: name, level: 'warning', text });
    await clock.sleep(2 * SECOND, signal);
  }
}

async function readOrSalvage({ store, name }: KeysetContext): Promise<Read> {
  return store.readManifest(name).then(
    (base): Read => ({ base, damage: undefined }),
    async (error: unknown) => {
      const found = isDamaged(error) ? await store.salvage(name) : null;
      if (found === null || found.damage.code !== 'manifest-damaged') throw error;
      const what = withoutState(found.damage.message);
      return { base: found.base, damage: { what, revision: found.revision } };
    },
  );
}

function isReplica({ name, store }: KeysetContext, home: string): JwtrotError {
  return new JwtrotError(
    'leased',
    'stale-replica',
    `${store.description} holds a replica of keyset ${name}, which lags behind its home ${home}; nothing was changed`,
    { hint: `recover from the home itself: AWS_REGION=${home} jwtrot store recover` },
  );
}

async function readRecord({ records }: KeysetContext): Promise<KeysetRecord | 'damaged' | null> {
  try {
    return await records.read();
  } catch (error) {
    if (error instanceof JwtrotError && error.code === 'record-damaged') return 'damaged';
    throw error;
  }
}

async function askServices({ services, signal }: KeysetContext): Promise<ServiceEvidence[]> {
  const polled = services.filter((port) => port.service.health !== null);
  return (await Promise.all(polled.map((port) => askService(port, signal)))).flat();
}

async function askService(port: ServicePort, signal: AbortSignal): Promise<ServiceEvidence[]> {
  const { name: service } = port.service;
  const silent = { service, signs: signs(port.service), kid: null, kids: [] };
  try {
    const instances = await port.listInstances(signal);
    return await Promise.all(
      instances.map(async (instance) => {
        const report = await port.probe(instance, signal);
        if (!report.ok) return { ...silent, instance: instance.name, error: report.reason };
        return { ...silent, instance: instance.name, kid: report.kid, kids: report.kids ?? [], error: null };
      }),
    );
  } catch (error) {
    return [{ ...silent, instance: service, error: error instanceof Error ? error.message : String(error) }];
  }
}

/** The secrets that the store lists, and those of the manifest's keys, since a list may lag behind. */
async function readSecrets(
  context: KeysetContext,
  tools: RecoveryTools,
  manifest: Manifest | null,
): Promise<SecretEvidence[]> {
  const { store, name } = context;
  const listed = new Map((await store.listKeys(name)).map(({ thumbprint, isDeleted }) => [thumbprint, isDeleted]));
  const named = (manifest?.keys ?? []).filter(({ state, hasPrivate }) => hasPrivate && state !== 'destroyed');
  const missing = named.map(({ thumbprint }) => thumbprint).filter((thumbprint) => !listed.has(thumbprint));
  const found: SecretEvidence[] = [];
  for (const thumbprint of [...listed.keys(), ...missing]) {
    if (listed.get(thumbprint) === true) {
      found.push({ ...nameless(thumbprint), isDeleted: true, problem: null });
      continue;
    }
    const secret = await readSecret(context, tools, thumbprint, named);
    if (secret !== null) found.push(secret);
  }
  return found;
}

function nameless(thumbprint: string) {
  return { kid: null, thumbprint, alg: null, publicJwk: null };
}

/** Unwraps a secret that the manifest does not name so: only its private half tells the public one. */
async function readSecret(
  context: KeysetContext,
  tools: RecoveryTools,
  thumbprint: string,
  named: Manifest['keys'],
): Promise<SecretEvidence | null> {
  const { store, name: keyset, wrapper } = context;
  const known = named.find((key) => key.thumbprint === thumbprint);
  try {
    const wrapped = await store.getKey(keyset, thumbprint);
    if (wrapped === null) return null;
    const { kid, alg } = wrapped;
    if (known !== undefined && alg !== known.alg)
      return { ...nameless(thumbprint), isDeleted: false, problem: 'it is wrapped as another key' };
    if (known !== undefined && kid === known.kid) return { ...nameless(thumbprint), isDeleted: false, problem: null };
    // The kid that it was wrapped under is authentic: write access to the store alone can't change it.
    const privateKey = await wrapper.unwrap(wrapped, { keyset, kid, alg });
    const half = await tools.publicHalf(privateKey).finally(() => privateKey.fill(0));
    const isOther = half.thumbprint !== thumbprint;
    if (isOther) return { ...nameless(thumbprint), isDeleted: false, problem: 'it is another key' };
    const found = { kid, thumbprint, alg, publicJwk: half.publicJwk, isDeleted: false, problem: null };
    return known === undefined ? found : { ...found, wrappedAs: kid };
  } catch (error) {
    if (!(error instanceof JwtrotError)) throw error;
    // Nothing is lost yet: the KEK, or the store, must be put back first.
    if (error.code === 'kek-missing' || (error.kind === 'store' && known !== undefined)) throw error;
    return { ...nameless(thumbprint), isDeleted: false, problem: error.message };
  }
}
