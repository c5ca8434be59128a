import { type ServicePort, signs } from '../services/service.js';
import type { Run } from './run.js';

/**
 * Whether every polled signer answers now: one poll each, all at once. False if none is polled, and if there is no
 * former key to go back to.
 */
export async function doSignersAnswer({ context, ledger }: Run): Promise<boolean> {
  const polled = context.services.filter((port) => signs(port.service) && port.service.health !== null);
  if (polled.length === 0 || ledger.known.rollout?.former == null) return false;
  const found = await Promise.all(polled.map((port) => doAllAnswer(port, context.signal)));
  context.signal.throwIfAborted();
  return found.every((all) => all);
}

async function doAllAnswer(port: ServicePort, signal: AbortSignal): Promise<boolean> {
  try {
    const instances = await port.listInstances(signal);
    const reports = await Promise.all(instances.map((instance) => port.probe(instance, signal)));
    return instances.length > 0 && reports.every((report) => report.ok);
  } catch {
    // The step that confirms signers meets the same failure, and reports it.
    return false;
  }
}
