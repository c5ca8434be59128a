import type { Lcg } from '../keyset/lcg.js';

/** Names that every object of JavaScript answers for, and some that decoders know. */
const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'prototype',
  'keys',
  'kid',
  'kty',
  '',
  'x'.repeat(300),
];
const EVIL = 'evil\u001b[2J\njwtrot: forged\u202e\u2028\ud800\u0000';

/** Values that fit nowhere, or hardly anywhere. Each is made anew: they are changed later. */
const VALUES: ((random: Lcg) => unknown)[] = [
  () => null,
  () => true,
  () => -1,
  () => 0.5,
  () => 1e308,
  () => 2 ** 53,
  () => '',
  () => EVIL,
  () => 'x'.repeat(70_000),
  () => '2026-13-99T99:99:99.999Z',
  () => '+275760-09-13T00:00:00.001Z',
  () => [],
  () => ({}),
  (random) => random.pick(NAMES),
  (random) => ({ [random.pick(NAMES)]: random.pick(NAMES) }),
  (random) => Array.from({ length: 1 + random.below(1_500) }, () => 'a'),
  (random) => nested(1 + random.below(90), random.chance(0.5)),
];

function nested(depth: number, isList: boolean): unknown {
  let value: unknown = 'deep';
  for (let i = 0; i < depth; i += 1) value = isList ? [value] : { a: value };
  return value;
}

type Container = Record<string, unknown> | unknown[];

function containersIn(value: unknown): Container[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Array.isArray(value) ? value : Object.values(value);
  return [value as Container, ...inner.slice(0, 50).flatMap(containersIn)];
}

/** JSON of another shape: a member replaced, taken out, renamed, doubled or exchanged with another. */
export function mutateJson(text: string, random: Lcg): string {
  const document = JSON.parse(text) as unknown;
  for (let left = 1 + random.below(3); left > 0; left -= 1) changeOne(document, random);
  const changed = JSON.stringify(document);
  return random.chance(0.3) ? renamed(changed, random) : changed;
}

function changeOne(document: unknown, random: Lcg): void {
  const all = containersIn(document);
  if (all.length === 0) return;
  const at = random.pick(all) as Record<string, unknown>;
  const names = Object.keys(at);
  const name = names.length === 0 ? '0' : random.pick(names);
  const change = random.below(5);
  if (change === 0) delete at[name];
  else if (change === 1) at[name] = random.pick(VALUES)(random);
  else if (change === 2 && !Array.isArray(at)) at[random.pick(NAMES.slice(1))] = random.pick(VALUES)(random);
  else if (change === 3 && Array.isArray(at)) at.push(structuredClone(at[random.below(at.length)]));
  else at[name] = structuredClone(random.pick(all));
}

/** A name of the text becomes another, perhaps one that is there already. */
function renamed(text: string, random: Lcg): string {
  const found = [...text.matchAll(/"([A-Za-z]{1,20})":/g)];
  if (found.length === 0) return text;
  const { index, 0: whole } = random.pick(found);
  const name = random.chance(0.5) ? random.pick(NAMES) : (random.pick(found)[1] ?? '');
  return `${text.slice(0, index)}${JSON.stringify(name)}:${text.slice(index + whole.length)}`;
}

/** Bytes that are cut, flipped, doubled, spliced with others, or have something put in. */
export function mutateBytes(bytes: Buffer, other: Buffer, random: Lcg): Buffer {
  const at = random.below(bytes.length + 1);
  const end = at + random.below(Math.min(200, bytes.length - at + 1));
  switch (random.below(7)) {
    case 0:
      return bytes.subarray(0, at);
    case 1: {
      const flipped = Buffer.from(bytes);
      for (let left = 1 + random.below(8); left > 0 && flipped.length > 0; left -= 1) {
        const byte = random.below(flipped.length);
        flipped[byte] = (flipped[byte] ?? 0) ^ (1 << random.below(8));
      }
      return flipped;
    }
    case 2:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), other.subarray(random.below(other.length + 1))]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(EVIL), bytes.subarray(at)]);
    case 5:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.alloc(random.below(5_000), random.below(256)),
        bytes.subarray(end),
      ]);
    default:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
  }
}
