import { incidentDeadline } from '../keyset/questions/incidents.js';
import { stillSigning } from '../keyset/transitions/all.js';
import { type Instance, type ServicePort, signs } from '../services/service.js';
import { stampsEarly } from './clock-trust.js';
import { commit, type Run } from './run.js';

/** Runs whose signers were polled before their first reload: once in each run. */
const polled = new WeakSet<Run>();

/**
 * Runs before a run's first reload of a signer. A signer may have restarted by itself with a stale copy of a former
 * key. The reload would take it off that key, and nobody would know how young that key's last tokens are. So the clock
 * of such a key starts again. An incident does not wait for this.
 */
export async function noteReturned(run: Run, services: readonly ServicePort[]): Promise<void> {
  const { ledger, context } = run;
  if (polled.has(run) || !services.some((port) => signs(port.service)) || incidentDeadline(ledger.manifest) !== null)
    return;
  const keys = ledger.manifest?.keys ?? [];
  const past = keys.filter((key) => key.state === 'deprecated' && key.signedUntil !== null);
  if (past.length === 0) return;
  polled.add(run);
  const reported = await reportedBySigners(run);
  for (const { kid } of past) {
    const signer = reported.get(kid);
    if (signer === undefined) continue;
    const text = `${signer} has signed with the former key ${kid} again: its time in the JWKS starts anew`;
    context.report({ type: 'note', keyset: context.name, level: 'warning', text });
    await commit(run, (m, now) => stillSigning(m, { kid, signer }, now, stampsEarly(run, m, now.at)));
  }
}

/** The kids that polled signers report now, each with one service that reports it. Silent signers are skipped. */
export async function reportedBySigners({ context }: Run): Promise<ReadonlyMap<string, string>> {
  const { services, signal } = context;
  const signers = services.filter((port) => signs(port.service) && port.service.health !== null);
  const found = await Promise.all(
    signers.map(async (port) => {
      const instances = await port.listInstances(signal).catch(() => []);
      const kids = await Promise.all(instances.map((instance) => signingKids(port, instance, signal)));
      return kids.flat().map((kid) => [kid, port.service.name] as const);
    }),
  );
  signal.throwIfAborted();
  return new Map(found.flat());
}

/** Polls per worker behind one address: each answer is one worker's alone. */
const POLLS = 8;
/** After this many silent polls in a row it is taken to be down: each may take a poll's whole time limit. */
const SILENT = 3;

async function signingKids(port: ServicePort, instance: Instance, signal: AbortSignal): Promise<string[]> {
  const count = port.service.health?.distinct?.count ?? 1;
  const workers = new Set<string>();
  const kids = new Set<string>();
  let silent = 0;
  for (let look = 0; look < (count === 1 ? 1 : POLLS * count) && workers.size < count && silent < SILENT; look += 1) {
    const report = await port.probe(instance, signal);
    silent = report.ok ? 0 : silent + 1;
    if (report.ok && report.kid !== null) kids.add(report.kid);
    if (report.ok && report.worker !== null) workers.add(report.worker);
  }
  return [...kids];
}
