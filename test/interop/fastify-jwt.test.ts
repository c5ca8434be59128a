import { goThrough } from './go-through.js';
import { verifier } from './parties/fastify-jwt.js';

goThrough(verifier);
