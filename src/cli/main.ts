import { processEnvironment } from './environment.js';
import { runCli } from './program.js';

// Nothing that jwtrot writes is for others, except what a mode says explicitly.
process.umask(0o077);
// The AWS clients warn on standard error on Node 20 otherwise; must be set before the first is made.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

const environment = processEnvironment();
process.exit(await runCli(environment.argv, environment));
