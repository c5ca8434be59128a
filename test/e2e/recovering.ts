import type { Site } from './fixtures.js';

export interface RecoverDocument {
  readonly dryRun: boolean;
  readonly keysets: readonly {
    readonly name: string;
    readonly because: string | null;
    readonly keys: readonly { readonly kid: string; readonly was: string | null; readonly becomes: string }[];
    readonly mended: readonly string[];
    readonly next: string | null;
  }[];
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string | null };
}

export function recover({ world }: Site, ...options: string[]) {
  return world.json<RecoverDocument>(['store', 'recover', ...options]);
}

/** `{ kid: 'active' }` */
export function recoverKeys({ keysets }: RecoverDocument): Record<string, string> {
  return Object.fromEntries((keysets[0]?.keys ?? []).map(({ kid, becomes }) => [kid, becomes]));
}
