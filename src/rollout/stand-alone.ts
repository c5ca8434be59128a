import { JwtrotError } from '../keyset/basics/error.js';
import { quoteOutside } from '../keyset/basics/outside-text.js';
import type { Action, Block } from '../keyset/planning/action.js';
import { block, isHurried, type Run } from './run.js';

/** The part of the plan that is given up when an action fails; null: all of it. */
function partOf(action: Action): Block | null {
  switch (action.type) {
    case 'generate':
      return 'generate';
    case 'write-outlets':
      return 'outlets';
    case 'confirm-verifiers':
    case 'activate':
    case 'confirm-signers':
      return 'rollout';
    case 'refresh-services':
      return 'refresh';
    case 'confirm-drop':
      return 'drop';
    case 'recheck-drop':
      return 'recheck-drop';
    case 'recover':
    case 'delete-secret':
    case 'destroy':
      return `key ${action.kid}`;
    default:
      return null;
  }
}

/** Errors that end the run: another one goes on, or this lease has no time left. */
const ENDS = new Set(['older-revision', 'lease-short']);

/**
 * In an incident a failed action is reported, and everything else goes on: after an unreadable KEK, a damaged secret,
 * even an unforeseen error.
 * @returns false: the run must stop
 */
export function standsAlone(run: Run, action: Action, error: unknown): boolean {
  const part = partOf(action);
  if (part === null || !isHurried(run) || run.context.signal.aborted) return false;
  if (!(error instanceof JwtrotError)) {
    const message = `unforeseen: ${quoteOutside(error instanceof Error ? error.message : String(error))}`;
    block(run, part, { message, hint: 'please report it', code: 'unforeseen' });
    return true;
  }
  const { kind, code, message, hint = null } = error;
  if (kind === 'leased' || ENDS.has(code)) return false;
  block(run, part, { message, hint, kind, code });
  return true;
}
