import type { Algorithm } from '../basics/algorithm.js';
import { rightNames } from '../history/renamed.js';
import type { Key, PublicJwk } from '../manifest/key.js';
import { heldNames, recordOf } from './doubt.js';
import type { Evidence, NamedKey, RecoveryRequest, SeenKey } from './evidence.js';

/*
 * Every known key, by its thumbprint, with those who know it.
 */

/** The source that says a key is retired. */
export type RetiredBy = 'this host' | 'the manifest' | 'the operator' | 'its deletion';

export interface KnownKey {
  readonly thumbprint: string;
  readonly kid: string;
  readonly alg: Algorithm | null;
  readonly publicJwk: PublicJwk | null;
  /** The key in the manifest; null: it does not know it. */
  readonly key: Key | null;
  readonly retiredBy: readonly RetiredBy[];
  /** This host remembers that its retirement had not ended. */
  readonly isLeaving: boolean;
  /** JWKS outlets with exactly the content that this host gave them, this key included. */
  readonly publishedIn: readonly string[];
  /** Delivered files with exactly the content that this host gave them: this key. */
  readonly deliveredIn: readonly string[];
  /** Other outlets that hold it. Nobody vouches for those. */
  readonly seenIn: readonly string[];
  /** Delivered files, trusted or not, that hold its private half. */
  readonly privateIn: readonly string[];
  readonly signedBy: readonly string[];
  readonly acceptedBy: readonly string[];
  readonly secret: 'stored' | 'deleted' | 'unusable' | 'none';
  /** The operator named it with `--adopt`. */
  readonly isAdopted: boolean;
}

/** A kid that services report and that belongs to no known key. */
export interface StrangeKid {
  readonly kid: string;
  readonly services: readonly string[];
}

export interface Knowledge {
  readonly keys: readonly KnownKey[];
  readonly strange: readonly StrangeKid[];
}

type Draft = { -readonly [Member in keyof KnownKey]: KnownKey[Member] };

/** The manifest's keys first, then the others as outlets list them: the order of their versions. */
export function knowledge(evidence: Evidence, request: RecoveryRequest): Knowledge {
  const drafts = new Map<string, Draft>();
  addManifest(evidence, drafts);
  addOutlets(evidence, drafts);
  for (const secret of evidence.secrets) {
    const draft = draftOf(drafts, secret);
    draft.secret = secret.isDeleted ? 'deleted' : secret.problem === null ? 'stored' : 'unusable';
    if (secret.isDeleted && draft.key === null) draft.retiredBy = [...draft.retiredBy, 'its deletion'];
  }
  addRetired(evidence, request, drafts);
  nameAsKnown(evidence, drafts);
  for (const thumbprint of request.adopt) {
    const draft = drafts.get(thumbprint);
    if (draft !== undefined) draft.isAdopted = true;
  }
  const strange = addServices(evidence, drafts);
  return { keys: [...drafts.values()], strange };
}

function draftOf(drafts: Map<string, Draft>, { kid, thumbprint, alg, publicJwk }: SeenKey): Draft {
  const found = drafts.get(thumbprint);
  if (found !== undefined) {
    found.alg ??= alg;
    found.publicJwk ??= publicJwk;
    return found;
  }
  const made: Draft = {
    thumbprint,
    kid: kid ?? thumbprint,
    alg,
    publicJwk,
    key: null,
    retiredBy: [],
    isLeaving: false,
    publishedIn: [],
    deliveredIn: [],
    seenIn: [],
    privateIn: [],
    signedBy: [],
    acceptedBy: [],
    secret: 'none',
    isAdopted: false,
  };
  drafts.set(thumbprint, made);
  return made;
}

function addManifest({ manifest }: Evidence, drafts: Map<string, Draft>): void {
  for (const key of manifest?.keys ?? []) {
    const draft = draftOf(drafts, key);
    draft.key = key;
    if (key.state === 'retired' || key.state === 'destroyed') draft.retiredBy = ['the manifest'];
  }
}

function addOutlets({ outlets }: Evidence, drafts: Map<string, Draft>): void {
  for (const { outlet, kind, keys, isGiven } of outlets) {
    for (const seen of keys ?? []) {
      // A key of an unknown type has no thumbprint and matches no known key.
      if (seen.thumbprint === '') continue;
      const draft = draftOf(drafts, seen);
      if (!isGiven) draft.seenIn = [...draft.seenIn, outlet];
      else if (kind === 'publish') draft.publishedIn = [...draft.publishedIn, outlet];
      else draft.deliveredIn = [...draft.deliveredIn, outlet];
      if (kind === 'deliver') draft.privateIn = [...draft.privateIn, outlet];
    }
  }
}

function addRetired({ record }: Evidence, { retired }: RecoveryRequest, drafts: Map<string, Draft>): void {
  for (const { kid, thumbprint, isLeaving } of record === null || record === 'damaged' ? [] : record.retired) {
    const draft = draftOf(drafts, { kid, thumbprint, alg: null, publicJwk: null });
    draft.retiredBy = [...draft.retiredBy, 'this host'];
    draft.isLeaving ||= isLeaving === true;
  }
  for (const named of retired) {
    for (const draft of meant(named, drafts)) draft.retiredBy = [...draft.retiredBy, 'the operator'];
  }
}

function meant({ kid, thumbprint, standIn, alg, publicJwk }: NamedKey, drafts: Map<string, Draft>): Draft[] {
  if (thumbprint !== null) return [draftOf(drafts, { kid, thumbprint, alg, publicJwk })];
  const found = [...drafts.values()].filter((draft) => draft.kid === kid || draft.thumbprint === kid);
  return found.length > 0 ? found : [draftOf(drafts, { kid, thumbprint: standIn, alg, publicJwk })];
}

/**
 * Names each key as this host published it, else as it was wrapped, else as it was seen retired: an attacker who can
 * write the store can swap names there.
 */
function nameAsKnown(evidence: Evidence, drafts: ReadonlyMap<string, Draft>): void {
  const stored = [...drafts.values()].filter(({ key }) => key !== null);
  const wrapped = evidence.secrets.flatMap(({ thumbprint, wrappedAs: kid }) =>
    kid === undefined ? [] : [{ kid, thumbprint, outlet: '', isGiven: true }],
  );
  const names = rightNames(stored, { held: [...heldNames(evidence), ...wrapped], record: recordOf(evidence) });
  for (const draft of stored) {
    draft.kid = names.get(draft.thumbprint) ?? draft.kid;
    const isOther = wrapped.some(({ kid, thumbprint }) => thumbprint === draft.thumbprint && kid !== draft.kid);
    if (isOther && draft.secret === 'stored') draft.secret = 'unusable';
  }
}

/** If two keys have the kid, it means the manifest's: a service that reports it read that one's publication. */
function addServices({ services }: Evidence, drafts: Map<string, Draft>): StrangeKid[] {
  const byKid = new Map<string, Draft>();
  for (const draft of drafts.values()) if (!byKid.has(draft.kid)) byKid.set(draft.kid, draft);
  const strange = new Map<string, string[]>();
  const report = (kid: string, who: string, how: 'signedBy' | 'acceptedBy') => {
    const draft = byKid.get(kid);
    if (draft === undefined) strange.set(kid, [...new Set([...(strange.get(kid) ?? []), who])]);
    else draft[how] = [...new Set([...draft[how], who])];
  };
  for (const { service, instance, signs, kid, kids } of services) {
    const who = service === instance ? service : `${service}/${instance}`;
    if (kid !== null && kid !== '') report(kid, who, signs ? 'signedBy' : 'acceptedBy');
    for (const accepted of kids) if (accepted !== '') report(accepted, who, 'acceptedBy');
  }
  return [...strange].map(([kid, who]) => ({ kid, services: who }));
}
