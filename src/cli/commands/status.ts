import { EXIT, type ExitCode, worstExit } from '../../keyset/basics/error.js';
import { isUnreadable } from '../../keyset/manifest/encoding.js';
import { createLinuxHost } from '../../outside/linux-host.js';
import { isTakeable } from '../../rollout/lease.js';
import { ageNote, setupAge } from '../../setup/age.js';
import type { Environment } from '../environment.js';
import { type Opened, open } from '../open.js';
import { suspicionOf } from '../other-history.js';
import { failedProbes } from '../output/instance-report.js';
import type { KeysetStatus } from '../output/keyset-status.js';
import type { Output } from '../output/output.js';
import { statusTable } from '../output/status.js';
import { statusDocument } from '../output/status-document.js';
import { recordsFolder } from '../state.js';
import { noteUnusedConfiguration } from '../unused-configuration.js';
import type { Verb } from '../verb.js';

interface StatusOptions {
  readonly check?: boolean;
  readonly probe?: boolean;
}

/**
 * `jwtrot status`: how things stand, by the store and by what this host remembers. `--probe` also asks the services, and
 * deliver commands' `holds`: exits 4 if an instance could not be asked, or does not report what its role must report, or if
 * the active key is not where it was delivered.
 */
export const status: Verb<StatusOptions> = async (options, environment, output) => {
  const opened = await open(options, environment, 'looks');
  const all = await readAll(opened, environment);
  const probing = options.probe === true ? await import('../output/probe.js') : null;
  const reports = probing === null ? null : await probing.probeServices(opened, all, environment, output);
  const now = environment.clock.now();
  if (options.check === true) return (await import('../output/check.js')).printCheck(all, now, output, reports);
  // To probe, the contexts were opened, which says the same.
  const note = probing === null ? ageNote(opened.configuration, await setupAge(opened.configuration)) : null;
  if (note !== null) output.say(`note: ${note}`, 'warning');
  if (probing === null) await noteUnusedConfiguration(opened.configuration, 'status', output);
  const probed = probing === null || reports === null ? [] : [probing.probeTable(all, reports, output)];
  if (output.json) output.document(statusDocument(all, now, reports));
  else output.block([statusTable(all, now, opened, output), ...probed].join('\n'));
  const lost = probing === null ? [] : await askDeliveries(opened, all, environment, output);
  const unanswered = failedProbes(reports ?? []).length + lost.length;
  return worstExit([...failed(all, output), unanswered === 0 ? EXIT.done : EXIT.services]);
};

async function askDeliveries(
  opened: Opened,
  all: readonly KeysetStatus[],
  environment: Environment,
  output: Output,
): Promise<readonly unknown[]> {
  const { lostDeliveries } = await import('../probe-delivery.js');
  const lost = await lostDeliveries(opened, all, environment);
  for (const { message, hint } of lost) output.problem(message, hint);
  return lost;
}

async function readAll(opened: Opened, environment: Environment): Promise<KeysetStatus[]> {
  const all: KeysetStatus[] = [];
  const { clock } = environment;
  const { store } = opened;
  const host = createLinuxHost(environment.script, recordsFolder(opened, environment));
  for (const keyset of opened.keysets) {
    const { manifest, failure } = await readManifest(opened, keyset.name);
    if (failure !== undefined) {
      all.push({ keyset, manifest, failure });
      continue;
    }
    const lease = manifest?.lease ?? null;
    const isFree = lease !== null && isTakeable(lease, { host, clock, policy: keyset.policy, store });
    all.push({ keyset, manifest, other: await suspicionOf(opened, environment, keyset, manifest), isFree });
  }
  return all;
}

type Read = Pick<KeysetStatus, 'manifest' | 'failure'>;

/** An unreadable keyset does not hide the others. @throws JwtrotError if there are no others, or the store fails */
async function readManifest({ store, keysets }: Opened, name: string): Promise<Read> {
  try {
    return { manifest: (await store.readManifest(name))?.manifest ?? null };
  } catch (error) {
    if (keysets.length === 1 || !isUnreadable(error)) throw error;
    return { manifest: null, failure: error };
  }
}

/** Prints which keysets can't be read. @returns their exit codes */
function failed(all: readonly KeysetStatus[], output: Output): ExitCode[] {
  const failures = all.flatMap(({ failure }) => failure ?? []);
  for (const { message, hint } of failures) output.problem(message, hint ?? null);
  return failures.map(({ exit }) => exit);
}
