// How things are measured: medians, runs in turn, what a process used, and a line per figure.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const COMMAND = join(ROOT, 'bin/jwtrot.js');
/** With NODE_EXTRA_CA_CERTS Node 20 reads a file of certificates at every start, which takes longer than the start. */
const NODES_OWN = ['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS'];
const USAGE = fileURLToPath(new URL('usage.cjs', import.meta.url));

/**
 * @typedef {object} Figure
 * @property {string} name
 * @property {number} value what was measured
 * @property {number} limit reached when the value is no higher
 * @property {string} unit `x`, `ms`, `s`, `MiB`
 * @property {string} detail what the value is made of
 */
/** @typedef {{ figures: Figure[], skipped?: string }} Section */

export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** Milliseconds of a clock that all processes of this machine share (CLOCK_MONOTONIC). */
export const monotonic = () => Number(process.hrtime.bigint()) / 1e6;

/**
 * Runs a program to its end and fails when it does.
 * @returns {number} wall time in milliseconds, from before the fork until it was reaped
 */
export function time(program, args, env) {
  const began = monotonic();
  const { status, error, stderr } = spawnSync(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const took = monotonic() - began;
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return took;
}

/** Runs each in turn, the order changed every round, so that a busy moment meets all of them. @returns medians in ms */
export async function inTurn(rounds, runs) {
  const taken = runs.map(() => []);
  for (let round = 0; round < rounds; round++) {
    const order = [...runs.keys()];
    if (round % 2 === 1) order.reverse();
    for (const index of order) taken[index].push(await runs[index](round));
  }
  return taken.map(median);
}

/**
 * Runs jwtrot and finds out what it used, as its own kernel account has it at its exit (usage.cjs).
 * @param since a line of its standard error that contains this begins what is of interest
 * @returns {Promise<{ code: number, took: number, peak: number, cpu: number, before: number }>} ms, MiB; seconds of CPU
 *   in all, and until that line
 */
export async function usageOf(folder, args, since) {
  const account = join(folder, 'usage.json');
  const began = monotonic();
  const child = spawn(process.execPath, ['--require', USAGE, COMMAND, ...args], {
    env: cleanEnv(folder, { JWTROT_BENCH_USAGE: account }),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let before;
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (line.includes(since)) before ??= cpuOf(child.pid);
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  const took = monotonic() - began;
  if (before === undefined) throw new Error(`jwtrot ${args.join(' ')} ended with ${code} and never said ${since}`);
  return { code, took, before, ...JSON.parse(readFileSync(account, 'utf8')) };
}

/** Fields 14 and 15 of proc(5)'s stat, in the kernel's hundredths; the program's name may hold spaces. @returns seconds */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The environment of a user who has nothing set, but what makes Node itself start as it does here. */
export function cleanEnv(folder, extra = {}) {
  const node = Object.fromEntries(Object.entries(process.env).filter(([name]) => NODES_OWN.includes(name)));
  return { ...node, PATH: process.env.PATH, HOME: folder, XDG_STATE_HOME: join(folder, 'state'), ...extra };
}

/** A folder with a configuration, gone afterwards. */
export async function inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'jwtrot-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns {string} the file's path */
export function configure(folder, configuration) {
  const file = join(folder, 'jwtrot.yaml');
  writeFileSync(file, stringify(configuration), { mode: 0o600 });
  return file;
}

/** The store and the wrapping of a machine without a cloud. */
export const localKeys = (folder) => ({
  store: { type: 'directory', path: join(folder, 'store') },
  wrap: { type: 'local', kek: { file: join(folder, 'kek') } },
});
