import { goThrough } from './go-through.js';
import { verifier } from './parties/golang-jwt.js';

goThrough(verifier);
