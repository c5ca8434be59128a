import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes longest, longest first: whatever is begun last ends last, and alone. In a clean clone vitest knows no times. */
const LONG = [
  'hostile/table',
  'simulation/seeds',
  'e2e/silent-store-still',
  'e2e/token',
  'watchdog/command',
  'e2e/patience',
  'demo/demo',
  'e2e/canary',
  'e2e/silent-store-ended',
  'e2e/suspended',
  'e2e/silent-store-switch',
  'e2e/hostile-files',
  'hostile/verbs',
  'e2e/silent-store-begun',
  'e2e/outlets-alone',
  'e2e/recover',
  'e2e/endless',
  'crash/directory',
  'e2e/aws-restored',
  'crash/aws',
  'e2e/planted-keys',
  'e2e/rollback-trouble',
  'watchdog/terminal',
  'e2e/retire-elsewhere',
  'e2e/renamed-keys',
].map((name) => fileURLToPath(new URL(`${name}.test.ts`, import.meta.url)));

/** Then whatever waits for real processes; what only computes fills the rest. Workers are shared within a project alone. */
const PROJECTS = ['real', 'simulation', 'planted', 'alone', 'pure'];

function rank({ moduleId, project }: TestSpecification): number {
  const at = LONG.indexOf(moduleId);
  return at >= 0 ? at : LONG.length + PROJECTS.indexOf(project.name);
}

export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const gone = LONG.filter((file) => !existsSync(file));
    if (gone.length > 0) throw new Error(`test/long-first.ts names files that there are not: ${gone.join(', ')}`);
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
