import { goThrough } from './go-through.js';
import { signer } from './parties/fastapi.js';

goThrough(signer);
