import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const NAMES = [
  'jwtrot.service',
  'jwtrot.timer',
  'jwtrot@.service',
  'jwtrot@.timer',
  'jwtrot-sync.service',
  'jwtrot-failure@.service',
  'sandbox.conf',
  'jwtrot.sysusers',
  'jwtrot.tmpfiles',
  'jwtrot.rules',
  'jwtrot-run',
] as const;

/** The files of the package's systemd/, by name. */
export type Templates = Readonly<Record<(typeof NAMES)[number], string>>;

export function readTemplates(): Templates {
  const folder = findFolder();
  return Object.fromEntries(NAMES.map((name) => [name, readFileSync(`${folder}/${name}`, 'utf8')])) as Templates;
}

/** dist/, dist/chunks/ and src/cli/setup/ lie at different depths. */
function findFolder(): string {
  for (const up of ['..', '../..', '../../..']) {
    const folder = fileURLToPath(new URL(`${up}/systemd`, import.meta.url));
    if (existsSync(`${folder}/jwtrot.service`)) return folder;
  }
  throw new Error('the package has no folder systemd/');
}
