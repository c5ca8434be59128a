import type { Holding, OutletContent } from '../keyset/projection.js';
import type { OutletDirectory } from './directory.js';
import type { Sight } from './sight.js';

/** One outlet, as the writer sees it: a published file, a delivered file, or the record of a command. */
export interface Target extends Pick<Holding, 'kind' | 'format'> {
  /** The path, or `command NAME`. */
  readonly label: string;
  /** Where its file (or record) and its mark are. */
  readonly folder: string;
  readonly name: string;
  /** Opens the folder if it is fit to be written to. @throws JwtrotError */
  openFolder(): Promise<OutletDirectory>;
  /** Never throws. @param path the way to the file or record */
  observe(path: string): Promise<Sight>;
  /** What it holds can't be seen, only what it was last given. */
  readonly isBlind: boolean;
  /** True when there is nothing to write. */
  holds(sight: Sight, content: OutletContent): boolean;
  write(writing: Writing): Promise<void>;
}

export interface Writing {
  readonly directory: OutletDirectory;
  readonly content: OutletContent;
  /** PKCS#8 DER; overwritten by the writer when all targets have ended. */
  readonly privateKey: () => Promise<Uint8Array>;
  readonly signal: AbortSignal;
  readonly newId: () => string;
}

export async function holdingOf(target: Target): Promise<Holding> {
  const { keys, intact } = await target.observe(`${target.folder}/${target.name}`);
  return { outlet: target.label, kind: target.kind, format: target.format, keys, intact };
}
