import { goThrough } from './go-through.js';
import { verifier } from './parties/apache.js';

goThrough(verifier);
