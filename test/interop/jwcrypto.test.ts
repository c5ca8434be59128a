import { goThrough } from './go-through.js';
import { verifier } from './parties/jwcrypto.js';

goThrough(verifier);
