export { DAY, HOUR, SECOND } from '../../src/keyset/basics/clock.js';
export * from './fixtures.js';
export * from './scenes.js';
export { Story, say } from './tale.js';
