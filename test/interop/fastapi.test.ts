import { goThrough } from './go-through.js';
import { verifier } from './parties/fastapi.js';

goThrough(verifier);
