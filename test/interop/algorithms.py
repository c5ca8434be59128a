"""What PyJWT and jwcrypto make of keys and tokens. Reads a JSON list of cases, writes one of answers.

A case: alg, token, jwk and pem (public, as published), privateJwk and privatePem (as delivered).
An answer: for each library and each form of the key, the token's sub and a token of its own, or the name of the error.
"""
import json, sys

import jwt
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT


def pyjwt_verify(key, alg, token):
    return jwt.decode(token, key, algorithms=[alg])["sub"]


def pyjwt_sign(key, alg):
    return jwt.encode({"sub": "from PyJWT"}, key, algorithm=alg)


def jwcrypto_verify(key, alg, token):
    return json.loads(JWT(jwt=token, key=key, algs=[alg]).claims)["sub"]


def jwcrypto_sign(key, alg):
    token = JWT(header={"alg": alg}, claims={"sub": "from jwcrypto"}, algs=[alg])
    token.make_signed_token(key)
    return token.serialize()


def tried(work):
    try:
        return work()
    except Exception as error:
        return {"error": type(error).__name__}


def answer(case):
    alg, token = case["alg"], case["token"]
    return {
        "PyJWT jwk": {
            "verifies": tried(lambda: pyjwt_verify(jwt.PyJWK(case["jwk"]).key, alg, token)),
            "signs": tried(lambda: pyjwt_sign(jwt.PyJWK(case["privateJwk"]).key, alg)),
        },
        "PyJWT pem": {
            "verifies": tried(lambda: pyjwt_verify(case["pem"], alg, token)),
            "signs": tried(lambda: pyjwt_sign(case["privatePem"], alg)),
        },
        "jwcrypto jwk": {
            "verifies": tried(lambda: jwcrypto_verify(JWK(**case["jwk"]), alg, token)),
            "signs": tried(lambda: jwcrypto_sign(JWK(**case["privateJwk"]), alg)),
        },
        "jwcrypto pem": {
            "verifies": tried(lambda: jwcrypto_verify(JWK.from_pem(case["pem"].encode()), alg, token)),
            "signs": tried(lambda: jwcrypto_sign(JWK.from_pem(case["privatePem"].encode()), alg)),
        },
    }


json.dump([answer(case) for case in json.load(sys.stdin)], sys.stdout)
