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


def keys(refresh=False):
    """Those in the cache, or fetched anew when they are too old."""
    try:
        return client.get_signing_keys(refresh)
    except (jwt.PyJWTError, OSError, ValueError):
        raise HTTPException(503, "no keys")  # never 401: clients throw their tokens away on 401


def claims(given=Depends(bearer)):
    keys()
    try:
        key = client.get_signing_key_from_jwt(given.credentials)
        return jwt.decode(
            given.credentials, key.key, algorithms=ALGORITHMS, issuer=ISSUER, audience=AUDIENCE,
            options={"require": ["exp"]},
        )
    except (jwt.PyJWTError, OSError, ValueError, AttributeError):
        raise HTTPException(401, "token refused")


@app.get("/healthz")  # for jwtrot alone. Each poll fetches: a leaked key is gone at once, not after LIFESPAN
def health():
    return {"kids": [key.key_id for key in keys(refresh=True)], "worker": os.getpid()}


@app.get("/orders")
def orders(claims=Depends(claims)):
    return {"sub": claims["sub"]}
