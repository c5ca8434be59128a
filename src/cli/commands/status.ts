import type { Environment } from '../environment.js';
import { type Opened, open } from '../open.js';
import { printCheck } from '../output/check.js';
import type { Output } from '../output/output.js';
import { type KeysetStatus, statusDocument, statusTable } from '../output/status.js';
import type { Verb } from '../verb.js';

interface StatusOptions {
  readonly check?: boolean;
  readonly probe?: boolean;
}

/** `jwtrot status`: how things stand. Reads the store and nothing else, unless `--probe` asks the services too. */
export const status: Verb<StatusOptions> = async (options, environment, output) => {
  const opened = await open(options, environment);
  const all: KeysetStatus[] = [];
  for (const keyset of opened.keysets) {
    const found = await opened.store.readManifest(keyset.name);
    all.push({ keyset, manifest: found?.manifest ?? null });
  }
  const now = environment.clock.now();
  if (options.check === true) return printCheck(all, now, output);
  if (options.probe === true) return probe(opened, all, environment, output);
  if (output.json) output.document(statusDocument(all, now));
  else output.result(statusTable(all, now, opened, output.color));
  return 0;
};

async function probe(
  opened: Opened,
  all: readonly KeysetStatus[],
  environment: Environment,
  output: Output,
): Promise<number> {
  const { probeServices, probeTable } = await import('../output/probe.js');
  const reports = await probeServices(opened, environment, output);
  const now = environment.clock.now();
  if (output.json) {
    output.document({ ...statusDocument(all, now), services: reports });
    return 0;
  }
  output.result(`${statusTable(all, now, opened, output.color)}\n${probeTable(all, reports, output.color)}`);
  return 0;
}
