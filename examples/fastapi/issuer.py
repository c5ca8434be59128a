"""Signs tokens with the key that jwtrot delivers.  uvicorn --port 8000 issuer:app"""
import json, signal, time

import jwt
from fastapi import FastAPI, HTTPException

KEY, JWKS = "/run/jwtrot/api.jwk", "/srv/jwks/jwks.json"
ISSUER, AUDIENCE = "https://id.example", "api"
LIFE = 900  # seconds, at most the keyset's maxTokenTtl

signing = None  # kid, key and algorithm: replaced as one


def load(*_):
    """Called on SIGHUP. Whatever goes wrong, the key that is held stays."""
    global signing
    try:
        with open(KEY, "rb") as file:
            jwk = json.load(file)
        with open(JWKS, "rb") as file:
            published = [key["kid"] for key in json.load(file)["keys"]]
        if jwk["kid"] not in published:
            raise ValueError("not in the JWKS")
        signing = {"kid": jwk["kid"], "key": jwt.PyJWK(jwk).key, "alg": jwk["alg"]}
    except Exception as error:
        # Its type alone: PyJWT's errors can hold the whole key.
        print(f"{KEY} can't be used: {type(error).__name__}", flush=True)


signal.signal(signal.SIGHUP, load)  # first: without a handler SIGHUP ends the process
load()
app = FastAPI()


def held():
    if signing is None:
        raise HTTPException(503, "no key yet")
    return signing


@app.get("/healthz")
async def health():
    return {"kid": held()["kid"]}  # what this process has in memory, never what the file says


@app.get("/token")  # in place of your login
async def token():
    one, now = held(), int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "u1", "iat": now, "exp": now + LIFE}
    return {"access_token": jwt.encode(claims, one["key"], algorithm=one["alg"], headers={"kid": one["kid"]})}
