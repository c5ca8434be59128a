import { execFileSync } from 'node:child_process';

/** The upstream version of an installed package: `4.4.3` of `4.4.3-1`. For libraries that don't tell theirs. */
export function versionOf(name: string): string {
  const said = execFileSync('dpkg-query', ['--show', `--showformat=\${Version}`, name], { encoding: 'utf8' });
  return said.replace(/^\d+:/, '').replace(/-[^-]*$/, '');
}
