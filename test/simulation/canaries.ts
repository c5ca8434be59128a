import { probeByCanary, type Sent } from '../../src/services/canary.js';
import type { CanaryHealth } from '../../src/services/health-kinds.js';
import type { Proving } from '../../src/services/proving.js';
import type { Instance, Report } from '../../src/services/service.js';
import type { Runner } from './runner.js';
import type { SimInstance, SimService } from './services.js';

const SIGNATURE = Buffer.from('signed').toString('base64url');

/** Tokens that name their key, and whose signature is right or wrong. */
export function signerOf(privateKey: Uint8Array, kid: string) {
  // It is overwritten when the signer is open.
  const thumbprint = Buffer.from(privateKey).toString();
  return { sign: async () => `${kid}.${thumbprint}.${SIGNATURE}`, close() {} };
}

/** What the service does with tokens: what it should, accept every one, or reject every one. */
export type Manner = 'works' | 'accepts all' | 'rejects all';

/** How a service deals with each run's tokens. One that accepts all does so from a run's first token on, or not in it. */
export class Guard {
  manner: Manner = 'works';
  /** Keys that it has and whose tokens it rejects. */
  readonly refuses = new Set<string>();
  readonly #atFirst = new WeakMap<Runner, Manner>();

  accepts(runner: Runner, kids: readonly string[], token: string): boolean {
    const first = this.#atFirst.get(runner) ?? this.manner;
    this.#atFirst.set(runner, first);
    if (first === 'accepts all') return true;
    if (this.manner === 'rejects all') return false;
    const [kid = '', , signature] = token.split('.');
    return signature === SIGNATURE && kids.includes(kid) && !this.refuses.has(kid);
  }

  right(): void {
    this.manner = 'works';
    this.refuses.clear();
  }
}

/** Shows an instance canaries, as the command does by HTTP. */
export async function showCanaries(
  service: SimService,
  runner: Runner,
  health: CanaryHealth,
  { instance: { name }, proving, kids }: { instance: Instance; proving: Proving | undefined; kids: readonly string[] },
): Promise<Report> {
  if (proving === undefined) return { ok: false, reason: 'nobody signs canaries here' };
  const { world } = service;
  const send = (token: string) => world.call(runner, () => answer(service, runner, name, token));
  const show = { at: `${service.name}/${name}`, health, canaries: proving.canaries, send };
  const report = await probeByCanary(show, kids);
  const instance = service.instances.find((one) => one.name === name);
  for (const worker of instance?.workers ?? [])
    if (report.ok) world.checks.reported(runner, worker.name, report.kids ?? []);
  return report;
}

function answer(service: SimService, runner: Runner, name: string, token: string): Sent {
  const { world, guard } = service;
  const instance: SimInstance | undefined = service.instances.find((one) => one.name === name);
  const [worker] = instance?.workers ?? [];
  if (worker === undefined || !worker.up) return { status: null, reason: 'connection refused', worker: null };
  const strike = world.strikes(runner.source, 'service');
  if (strike !== null) {
    const status = strike.random.pick([429, 503, 500]);
    return { status, reason: `HTTP ${status}`, worker: null };
  }
  const accepted = guard.accepts(runner, worker.view.kids, token);
  const [kid = ''] = token.split('.');
  if (!accepted && guard.manner !== 'rejects all') world.checks.proof.rejected(runner, name, kid);
  return { status: accepted ? 200 : 401, reason: `HTTP ${accepted ? 200 : 401}`, worker: worker.name };
}
