import type { Policy, ServiceFacts } from '../keyset/basics/policy.js';
import type { DeliverOutlet, PublishOutlet } from '../outlets/configured.js';
import type { Service } from '../services/service.js';

/** A checked configuration with its defaults filled in (docs/design.md, section 5). */
export interface Configuration {
  /** The file's path; null when no file was found and the built-in defaults apply. */
  readonly source: string | null;
  readonly store: StoreChoice;
  readonly wrap: WrapChoice;
  readonly keysets: readonly KeysetConfiguration[];
}

export type StoreChoice =
  | { readonly type: 'secrets-manager'; readonly prefix: string }
  | { readonly type: 'directory'; readonly path: string };

export type WrapChoice =
  | { readonly type: 'kms'; readonly keyId: string }
  | { readonly type: 'local'; readonly kek: { readonly file: string } | { readonly credential: string } };

export interface KeysetConfiguration {
  readonly name: string;
  readonly policy: Policy;
  readonly facts: ServiceFacts;
  readonly publish: readonly PublishOutlet[];
  readonly deliver: readonly DeliverOutlet[];
  readonly services: readonly Service[];
}
