import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The real command is tested as it is built. */
export default function setup(): void {
  execFileSync(process.execPath, [fileURLToPath(new URL('../../scripts/build.js', import.meta.url))], {
    stdio: 'inherit',
  });
}
