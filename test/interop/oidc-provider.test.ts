import { goThrough } from './go-through.js';
import { signer } from './parties/oidc-provider.js';

goThrough(signer);
