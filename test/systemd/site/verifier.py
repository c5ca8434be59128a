"""A verifier: PyJWT behind FastAPI. Takes the JWKS from nginx at start and on SIGHUP, as a unit of Type=notify-reload."""

import json
import os
import signal
import socket
import time
import urllib.request

import jwt
import uvicorn
from fastapi import FastAPI, Request, Response

keys: dict[str, jwt.PyJWK] = {}
reloads = 0
app = FastAPI()


def notify(text: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])


def load() -> None:
    global keys
    try:
        with urllib.request.urlopen("http://127.0.0.1:8081/.well-known/jwks.json", timeout=2) as answer:
            keys = {key["kid"]: jwt.PyJWK(key) for key in json.load(answer)["keys"]}
    except OSError as error:
        print(f"no JWKS: {error}", flush=True)


def reload(*_: object) -> None:
    global reloads
    notify(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
    # Long enough to see that `systemctl reload` waits for READY=1.
    time.sleep(0.2)
    load()
    reloads += 1
    notify("READY=1")


@app.on_event("startup")
def ready() -> None:
    load()
    notify("READY=1")


@app.get("/healthz")
def healthz() -> dict[str, object]:
    return {"kids": list(keys), "reloads": reloads}


@app.post("/verify")
async def verify(request: Request) -> Response:
    token = (await request.body()).decode()
    try:
        kid = jwt.get_unverified_header(token)["kid"]
        jwt.decode(token, keys[kid].key, algorithms=["ES256"])
    except (KeyError, jwt.PyJWTError) as error:
        return Response(f"{type(error).__name__}: {error}", status_code=401)
    return Response(kid)


signal.signal(signal.SIGHUP, reload)
uvicorn.run(app, host="127.0.0.1", port=8000, log_level="warning")
