import type { Slice, Timeline } from '../../src/demo/timeline.js';

const slice = (signs: string[], accepted: string[], checks = 10, rejected = 0): Slice => ({
  signs,
  accepted,
  checks,
  rejected,
});

/** Key a signs, then b; then a leaks. A second in all. */
export const TIMELINE: Timeline = {
  kids: ['a', 'b'],
  slices: [
    ...Array.from({ length: 4 }, () => slice(['a'], ['a'])),
    slice(['a'], ['a', 'b']),
    slice(['a', 'b'], ['a', 'b']),
    slice(['b'], ['a', 'b']),
    slice(['b'], ['a', 'b'], 10, 2),
    slice(['b'], ['b']),
    slice(['b'], ['b'], 0),
  ],
  happenings: [
    { at: 400, type: 'command', text: 'jwtrot rotate --immediate' },
    { at: 500, type: 'result', text: 'rotated in 0.1 s: k2 signs' },
    { at: 800, type: 'trouble', text: 'k1 <leaks> & is "retired"' },
    { at: 810, type: 'command', text: 'jwtrot retire --kid a' },
  ],
};
