/** Of the wait that must not be killed, in seconds. */
export const WAIT = Number(process.env['JWTROT_WAIT'] ?? '20');

const service = (name: string, role: string, port: number) => ({
  name,
  role,
  reload: { systemd: `${name}.service` },
  health: { url: `http://127.0.0.1:${port}/healthz`, deadline: '10s' },
});

/** A rotation each 5 s, of tokens that live 10 s. */
const POLICY = {
  alg: 'ES256',
  maxTokenTtl: '10s',
  clockSkew: '1s',
  unlistedVerifiers: false,
  jwksMaxAge: '0s',
  publishAhead: '0s',
  // Rotated faster than a reload may take, former keys stay until that is over.
  maxKeys: 100,
};
const WRAP = { type: 'local', kek: { credential: 'jwtrot-kek' } };

export const CONFIGURATION = {
  store: { type: 'directory', path: '/var/lib/jwtrot/store' },
  wrap: WRAP,
  keysets: {
    api: {
      ...POLICY,
      rotateEvery: '5s',
      verifyFor: '22s',
      publish: [{ file: '/srv/jwks/jwks.json', url: 'http://127.0.0.1:8081/.well-known/jwks.json' }],
      deliver: [{ file: '/run/jwtrot/api.jwk', format: 'jwk', group: 'issuer', mode: '0440' }],
      services: [
        service('issuer', 'signer', 8080),
        service('nginx', 'verifier', 8081),
        service('verifier', 'verifier', 8000),
      ],
    },
  },
};

/** Keysets whose one verifier never learns the new key. */
export const STUCK = {
  store: { type: 'directory', path: '/var/lib/jwtrot/stuck' },
  wrap: WRAP,
  keysets: Object.fromEntries(
    [
      ['wait', WAIT],
      ['stop', 120],
    ].map(([name, deadline]) => [
      name,
      {
        alg: 'RS256',
        maxTokenTtl: '1h',
        services: [
          {
            name: 'gateway',
            role: 'verifier',
            instances: [{ name: '10.0.0.7', address: '127.0.0.1:8081' }],
            health: { url: 'http://{address}/stuck', deadline: `${deadline}s` },
          },
        ],
      },
    ]),
  ),
};

/** Units that can't be reloaded, each for a reason of its own. */
export const FAULTS = ['no-reload', 'missing', 'failing', 'denied'] as const;

export const FAULTY = {
  store: { type: 'directory', path: '/var/lib/jwtrot/faulty' },
  wrap: WRAP,
  keysets: Object.fromEntries(
    FAULTS.map((name) => [
      name,
      {
        alg: 'ES256',
        maxTokenTtl: '1h',
        services: [{ name, role: 'verifier', reload: { systemd: `${name}.service` } }],
      },
    ]),
  ),
};
