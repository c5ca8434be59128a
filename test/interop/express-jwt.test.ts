import { goThrough } from './go-through.js';
import { verifier } from './parties/express-jwt.js';

goThrough(verifier);
