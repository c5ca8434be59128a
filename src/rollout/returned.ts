import { incidentDeadline } from '../keyset/incident.js';
import { stillSigning } from '../keyset/transitions.js';
import { type Instance, type ServicePort, signs } from '../services/service.js';
import { stampsEarly } from './clock-trust.js';
import type { Run } from './run.js';

/**
 * Before a run's first reload of a signer: one that has gone back to a former key unseen (a restart of its own that read a
 * stale copy) would be moved off it by that reload, and nobody would know that its tokens are so young. The clock of such
 * a key starts again. In an incident nobody waits for that.
 */
export async function noteReturned(run: Run, services: readonly ServicePort[]): Promise<void> {
  const { ledger, context } = run;
  if (run.looked || !services.some((port) => signs(port.service)) || incidentDeadline(ledger.manifest) !== null) return;
  const keys = ledger.manifest?.keys ?? [];
  const past = keys.filter((key) => key.state === 'deprecated' && key.signedUntil !== null);
  if (past.length === 0) return;
  run.looked = true;
  const reported = await reportedBySigners(run);
  for (const { kid } of past) {
    const signer = reported.get(kid);
    if (signer === undefined) continue;
    const text = `${signer} has signed with the former key ${kid} again: its time in the JWKS starts anew`;
    context.report({ type: 'note', keyset: context.name, level: 'warning', text });
    await ledger.commit((m, at) => stillSigning(m, kid, signer, at, context.policy, stampsEarly(run, m, at)));
  }
}

/** The kids that polled signers report now, and one service that does. Who does not answer is not waited for. */
export async function reportedBySigners({ context }: Run): Promise<ReadonlyMap<string, string>> {
  const { services, signal } = context;
  const polled = services.filter((port) => signs(port.service) && port.service.health !== null);
  const found = await Promise.all(
    polled.map(async (port) => {
      const instances = await port.listInstances(signal).catch(() => []);
      const kids = await Promise.all(instances.map((instance) => signingKids(port, instance, signal)));
      return kids.flat().map((kid) => [kid, port.service.name] as const);
    }),
  );
  signal.throwIfAborted();
  return new Map(found.flat());
}

/** How many looks there are for each worker behind one address: each answers for itself alone. */
const LOOKS = 8;
/** So many in a row without an answer: it is not there, and each may take a poll's whole time limit. */
const SILENT = 3;

async function signingKids(port: ServicePort, instance: Instance, signal: AbortSignal): Promise<string[]> {
  const count = port.service.health?.distinct?.count ?? 1;
  const workers = new Set<string>();
  const kids = new Set<string>();
  let silent = 0;
  for (let look = 0; look < (count === 1 ? 1 : LOOKS * count) && workers.size < count && silent < SILENT; look += 1) {
    const report = await port.probe(instance, signal);
    silent = report.ok ? 0 : silent + 1;
    if (report.ok && report.kid !== null) kids.add(report.kid);
    if (report.ok && report.worker !== null) workers.add(report.worker);
  }
  return [...kids];
}
