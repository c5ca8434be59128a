export { DAY, HOUR, SECOND } from '../../src/keyset/clock.js';
export * from './fixtures.js';
export * from './scenes.js';
export { Story } from './tale.js';
