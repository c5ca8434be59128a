import type { Stats } from 'node:fs';
import { JwtrotError } from '../keyset/basics/error.js';
import { isSticky, mayOthersWrite } from '../outside/trusted-way.js';

/** Who may own the directories on the way to something that setup writes. */
export interface Trust {
  /** The owner of `/`. */
  readonly root: number;
  /** The account that owns the file at the end; null: root. */
  readonly account: number | null;
}

interface Found {
  readonly path: string;
  readonly facts: Stats;
}

const COULD = 'who could change what setup writes there';

/**
 * Allows root's directories, and after the account's first directory only the account's. In a sticky directory others
 * can add names but not change root's.
 * @throws JwtrotError `unsafe-way`
 */
export function assertOurs({ path, facts }: Found, before: Found, { root, account }: Trust): void {
  const isOurs = facts.uid === account || (facts.uid === root && before.facts.uid === root);
  if (!isOurs) {
    const hint = `see who that is: ls -ld ${path}; if it need not be theirs: chown root ${path}`;
    throw unsafeWay(path, `belongs to user ${facts.uid}, ${COULD}`, hint);
  }
  if (!mayOthersWrite(facts) || isSticky(facts)) return;
  throw unsafeWay(path, `can be written by others, ${COULD}`, `chmod go-w ${path}`);
}

/** Allows a symbolic link only if nobody but root can have put it there. @throws JwtrotError `unsafe-way` */
export function assertOurLink(link: Found, at: Found, { root }: Trust): void {
  if (link.facts.uid === root && at.facts.uid === root && !mayOthersWrite(at.facts)) return;
  throw unsafeWay(link.path, 'is a symbolic link that others may change', 'name the real directory');
}

/**
 * Makes nothing in the account's own directory: the account could swap a new directory before its chown.
 * @throws JwtrotError `unsafe-way`
 */
export function assertMayMake(path: string, at: Found, { root }: Trust): void {
  const { uid } = at.facts;
  if (uid === root) return;
  throw new JwtrotError(
    'refused',
    'unsafe-way',
    `there is no ${path}, and setup makes nothing in a directory of user ${uid}`,
    {
      hint: `make it as that user: setpriv --reuid=${uid} --clear-groups mkdir -m 0700 ${path}`,
    },
  );
}

export function unsafeWay(path: string, why: string, hint: string): JwtrotError {
  return new JwtrotError('refused', 'unsafe-way', `${path} ${why}; nothing was written there`, { hint });
}
