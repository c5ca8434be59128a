/*
 * The names of jwtrot's files beside an outlet. All begin with a dot, since most servers don't serve dot files.
 */

export function recordName(name: string): string {
  return `.${name}.jwtrot`;
}

export function lockName(name: string): string {
  return `.${name}.jwtrot-lock`;
}

/** Stands for all files of a directory outlet in the names of its record, its lock and its temporary files. */
export const PEM_FILES = 'pem';

const TEMPORARY = '.jwtrot-tmp';

/** @param id random, without a dot, so nobody can guess the name and take it first */
export function temporaryName(name: string, id: string): string {
  return `.${name}.${id}${TEMPORARY}`;
}

/** Whether a killed run left this file behind while it wrote the outlet or its record. */
export function isLeftover(entry: string, name: string): boolean {
  return isTemporary(entry, name) || isTemporary(entry, recordName(name));
}

function isTemporary(entry: string, name: string): boolean {
  const prefix = `.${name}.`;
  if (!entry.startsWith(prefix) || !entry.endsWith(TEMPORARY)) return false;
  // A dot in between shows that it belongs to another outlet, whose name begins with this one's.
  return !entry.slice(prefix.length, -TEMPORARY.length).includes('.');
}
