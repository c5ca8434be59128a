import type { Batch } from '../../src/keyset/basics/policy.js';
import type { Manifest } from '../../src/keyset/manifest/model.js';
import { type Answer, ask, type Question } from '../../src/rollout/ask.js';
import type { Progress } from '../../src/rollout/context.js';
import type { Run } from '../../src/rollout/run.js';
import type { JsonHealth } from '../../src/services/health-kinds.js';
import type { Report, Role, ServicePort } from '../../src/services/service.js';
import { aService, healthAt } from '../services/services.js';
import { VirtualClock } from '../services/virtual-clock.js';

/** What an instance does when it is told to reload. */
export type Manner = 'takes it' | 'stays as it was' | 'dies' | 'refuses';

interface Member {
  kid: string;
  up: boolean;
  manner: Manner;
}

interface ServiceOptions {
  readonly role?: Role;
  readonly batch?: Batch;
  readonly health?: Partial<JsonHealth> | null;
  /** How long a reload takes. */
  readonly takes?: number;
  readonly reload?: 'none';
}

/** Services with instances `a`, `b` … on the key k1, in virtual time; a reload brings them to `wanted`. */
export class Fleet {
  readonly clock = new VirtualClock();
  readonly services: ServicePort[] = [];
  readonly members = new Map<string, Member>();
  /** `issuer/a` and when. */
  readonly reloads: { readonly name: string; readonly at: number }[] = [];
  readonly events: Progress[] = [];
  readonly controller = new AbortController();
  wanted = 'k2';
  batch: Batch = 'all';
  manifest: Partial<Manifest> = { keys: [], retirements: [], rollout: null };
  switched: Set<string> | null = null;
  /** What is left of the lease at the start. */
  lease = 3_600_000;

  service(name: string, instances: string, options: ServiceOptions = {}): void {
    const { role = 'signer', batch = 'all', health = {}, takes = 0, reload } = options;
    const listed = [...instances].map((one) => ({ name: one, address: null }));
    for (const one of listed) this.members.set(`${name}/${one.name}`, { kid: 'k1', up: true, manner: 'takes it' });
    this.services.push({
      service: aService({
        name,
        role,
        rollout: { batch },
        health: health === null ? null : healthAt('http://127.0.0.1/', { deadline: 30_000, ...health }),
        ...(reload === 'none'
          ? {}
          : { reload: { type: 'command', command: { argv: ['reload'], env: [] }, timeout: 5_000 } }),
      }),
      listInstances: async () => listed,
      reload: async (instance, signal) => {
        this.reloads.push({ name: `${name}/${instance.name}`, at: this.clock.monotonic() });
        await this.clock.sleep(takes, signal);
        const member = this.member(`${name}/${instance.name}`);
        if (member.manner === 'dies') member.up = false;
        if (member.manner === 'takes it') member.kid = this.wanted;
        return member.manner === 'refuses' ? { ok: false, reason: 'exit 1', hint: 'mend it' } : { ok: true };
      },
      probe: async (instance): Promise<Report> => {
        const { up, kid } = this.member(`${name}/${instance.name}`);
        return up ? { ok: true, kid, kids: [kid], worker: null } : { ok: false, reason: 'connection refused' };
      },
    });
  }

  member(name: string): Member {
    const member = this.members.get(name);
    if (member === undefined) throw new Error(`no member ${name}`);
    return member;
  }

  set(manner: Manner, ...names: string[]): void {
    for (const name of names) this.member(name).manner = manner;
  }

  get run(): Run {
    const { clock, controller, events } = this;
    return {
      context: {
        name: 'api',
        policy: { rollout: { batch: this.batch } },
        clock,
        random: () => 0.5,
        signal: controller.signal,
        report: (event: Progress) => events.push(event),
      },
      ledger: {
        manifest: this.manifest,
        known: this.manifest,
        tenure: { reloadOrdered: () => {}, remaining: () => this.lease - clock.monotonic() },
        history: { other: null },
      },
      switched: this.switched,
      closing: null,
    } as unknown as Run;
  }

  ask(question: Partial<Question> = {}): Promise<Answer[]> {
    const { services, wanted } = this;
    return this.clock.drive(
      ask(this.run, {
        services,
        wanted: { signs: wanted, accepts: [wanted] },
        reload: 'always',
        until: null,
        ...question,
      }),
    );
  }

  /** Who was reloaded together, by the time of it: `issuer/a | issuer/b issuer/c`. */
  get reloaded(): string {
    const times = [...new Set(this.reloads.map(({ at }) => at))].sort((a, b) => a - b);
    return times
      .map((time) => this.reloads.filter(({ at }) => at === time).map(({ name }) => name))
      .map((names) => names.join(' '))
      .join(' | ');
  }
}

/** `issuer/a`, or with its reason when it has not confirmed. */
export function said(answers: readonly Answer[]): string[] {
  return answers.map(({ service, instance, confirmed, reason }) =>
    confirmed ? `${service}/${instance}` : `${service}/${instance}: ${reason}`,
  );
}
