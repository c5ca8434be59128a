import { FAULT_KINDS, type FaultKind } from './kinds.js';
import type { SeedResult } from './simulate.js';

const COUNTED = ['steps', 'runs', 'rotations', 'kills', 'pauses', 'minted', 'presented'] as const;

/** The sums over many seeds. */
export interface Sums extends Record<(typeof COUNTED)[number], number> {
  seeds: number;
  broken: number;
  readonly faults: Record<FaultKind, number>;
}

export function noSums(): Sums {
  const faults = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as Record<FaultKind, number>;
  return { seeds: 0, broken: 0, steps: 0, runs: 0, rotations: 0, kills: 0, pauses: 0, minted: 0, presented: 0, faults };
}

export function count(sums: Sums, result: SeedResult): void {
  sums.seeds += 1;
  if (result.broken.length > 0) sums.broken += 1;
  for (const name of COUNTED) sums[name] += result[name];
  for (const kind of FAULT_KINDS) sums.faults[kind] += result.faults[kind];
}

export function add(sums: Sums, more: Sums): void {
  sums.seeds += more.seeds;
  sums.broken += more.broken;
  for (const name of COUNTED) sums[name] += more[name];
  for (const kind of FAULT_KINDS) sums.faults[kind] += more.faults[kind];
}

/** Two lines for a person. */
export function describe(sums: Sums, milliseconds: number | null): string {
  const n = (value: number) => Math.round(value).toLocaleString('en');
  const faults = FAULT_KINDS.reduce((all, kind) => all + sums.faults[kind], 0);
  const each = FAULT_KINDS.map((kind) => `${kind} ${n(sums.faults[kind])}`).join(', ');
  const seconds = (milliseconds ?? 0) / 1_000;
  const time = milliseconds === null ? '' : ` ${seconds.toFixed(1)} s, ${n(sums.rotations / seconds)} rotations/s;`;
  return (
    `${n(sums.seeds)} seeds, ${n(sums.steps)} steps, ${n(sums.runs)} runs, ${n(sums.rotations)} rotations, ` +
    `${n(sums.kills)} kills, ${n(sums.pauses)} pauses, ${n(faults)} faults (${each}),\n` +
    `${n(sums.minted)} times a signer took up a key, tokens presented ${n(sums.presented)} times;${time} ${n(sums.broken)} broken\n`
  );
}
