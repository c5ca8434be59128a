import { type ChildProcess, spawn } from 'node:child_process';

export interface ScriptResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

/** A script of this repository, on this Node. Its output is without the last line break. */
export function runScript(
  path: string,
  args: readonly string[],
): { child: ChildProcess; ended: Promise<ScriptResult> } {
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<ScriptResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ stdout: stdout.trimEnd(), stderr: stderr.trimEnd(), exitCode }));
  });
  return { child, ended };
}
