// Takes medians and alternating runs, measures what a process used, and prints a line per figure.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const COMMAND = join(ROOT, 'bin/jwtrot.js');
/**
 * With NODE_EXTRA_CA_CERTS Node 20 reads a certificate file at every start, which takes longer than the rest of the
 * start.
 */
const NODES_OWN = ['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS'];
const USAGE = fileURLToPath(new URL('usage.cjs', import.meta.url));

/**
 * @typedef {object} Figure
 * @property {string} name
 * @property {number} value what was measured
 * @property {number} limit the highest value that passes
 * @property {string} unit `x`, `ms`, `s`, `MiB`
 * @property {string} detail how the value is made up
 */
/** @typedef {{ figures: Figure[], skipped?: string }} Section */

export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** Milliseconds by a clock that all processes on this machine share (CLOCK_MONOTONIC). */
export const monotonic = () => Number(process.hrtime.bigint()) / 1e6;

/**
 * Runs a program to its end, and throws when it fails.
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

/**
 * Runs each in turn and changes the order every round, so that a busy moment affects all of them.
 * @returns medians in ms
 */
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
 * Runs jwtrot and reads what it used from the kernel's accounting at its exit (usage.cjs).
 * @param since text of the line on standard error that begins the measured part
 * @param {(line: string) => unknown} onLine is called with every line
 * @returns {Promise<{ code: number, took: number, peak: number, cpu: number, before: number }>} `took` in ms, `peak` in MiB;
 *   seconds of CPU: `cpu` in all, `before` until that line
 */
export async function usageOf(folder, args, since, onLine = () => {}) {
  const account = join(folder, 'usage.json');
  const began = monotonic();
  const child = spawn(process.execPath, ['--require', USAGE, COMMAND, ...args], {
    env: cleanEnv(folder, { JWTROT_BENCH_USAGE: account }),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let before;
  createInterface({ input: child.stderr }).on('line', (line) => {
    onLine(line);
    if (line.includes(since)) before ??= cpuOf(child.pid);
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  const took = monotonic() - began;
  if (before === undefined) throw new Error(`jwtrot ${args.join(' ')} ended with ${code} and never said ${since}`);
  return { code, took, before, ...JSON.parse(readFileSync(account, 'utf8')) };
}

/**
 * Fields 14 and 15 of proc(5)'s stat, in the kernel's hundredths; the program's name may hold spaces.
 * @returns seconds
 */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The environment of a user who has set nothing, except for the variables that Node needs to start here. */
export function cleanEnv(folder, extra = {}) {
  const node = Object.fromEntries(Object.entries(process.env).filter(([name]) => NODES_OWN.includes(name)));
  return { ...node, PATH: process.env.PATH, HOME: folder, XDG_STATE_HOME: join(folder, 'state'), ...extra };
}

/** Calls `work` with a temporary folder, and removes it afterwards. */
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

/** The store and wrapping of a machine without a cloud. */
export const localKeys = (folder) => ({
  store: { type: 'directory', path: join(folder, 'store') },
  wrap: { type: 'local', kek: { file: join(folder, 'kek') } },
});
