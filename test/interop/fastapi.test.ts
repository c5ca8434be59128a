import { goThrough } from './go-through.js';
import { signer, verifier } from './parties/fastapi.js';

goThrough(verifier);
goThrough(signer);
