"""Checks tokens with PyJWT's PyJWKClient.  uvicorn --port 8001 --workers 4 verifier:app"""
import os, socket

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBearer

JWKS = "https://id.example/.well-known/jwks.json"
ISSUER, AUDIENCE = "https://id.example", "api"
LIFESPAN = 60  # seconds for which a retired key may be trusted. jwksMaxAge is this and the server's max-age
ALGORITHMS = ["ES256"]  # never what a token says

socket.setdefaulttimeout(5)  # PyJWKClient has no time limit of its own (PyJWT 2.6)
client = jwt.PyJWKClient(JWKS, lifespan=LIFESPAN)
app = FastAPI()
bearer = HTTPBearer(auto_error=False)
refused = HTTPException(401, "token refused")
unavailable = HTTPException(503, "no keys")  # never 401: clients throw their tokens away on 401


def key_named(kid):
    try:
        return client.get_signing_key(kid).key
    except jwt.PyJWKClientError as error:
        # It could not fetch, or there is no such key.
        raise unavailable if isinstance(error.__context__, OSError) else refused
    except (OSError, ValueError):
        raise unavailable


def claims(given=Depends(bearer)):
    if given is None:
        raise refused
    token = given.credentials
    try:
        key = key_named(jwt.get_unverified_header(token).get("kid"))
        return jwt.decode(
            token, key, algorithms=ALGORITHMS, issuer=ISSUER, audience=AUDIENCE, options={"require": ["exp"]}
        )
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise refused


@app.get("/healthz")  # for jwtrot alone. Each poll fetches: a leaked key is gone at once, not after LIFESPAN
def health():
    try:
        return {"kids": [key.key_id for key in client.get_signing_keys(refresh=True)], "worker": os.getpid()}
    except (jwt.PyJWTError, OSError, ValueError):
        raise unavailable


@app.get("/orders")
def orders(claims=Depends(claims)):
    return {"sub": claims["sub"]}
