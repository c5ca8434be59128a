import { describe, expect, it } from 'vitest';
import { actionText } from '../../src/cli/output/words.js';

describe('the line of an action', () => {
  it('says how many keys more it is about', () => {
    const drop = (kids: string[]) => actionText({ type: 'confirm-drop', kids, reason: 'key-dropped' });
    expect(drop(['k1'])).toBe('wait until each verifier has dropped k1 (a key was retired)');
    expect(drop(['k2', 'k1'])).toBe('wait until each verifier has dropped k2 and k1 (a key was retired)');
    expect(drop(['k3', 'k1', 'k2'])).toBe('wait until each verifier has dropped k3 and 2 more (a key was retired)');
  });
});
