"""Mints tokens all the time and shows each of them, fresh and old, to the verifier. Its tally: /run/traffic.json."""

import base64
import json
import os
import random
import time
import urllib.error
import urllib.request

alive: list[tuple[float, str]] = []
tally = {"minted": 0, "checked": 0, "rejected": 0, "unavailable": 0, "reasons": [], "kids": []}


def call(url: str, body: bytes | None = None) -> str:
    with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=2) as answer:
        return answer.read().decode()


def mint() -> None:
    token = call("http://127.0.0.1:8080/token")
    header, payload, _ = (json.loads(base64.urlsafe_b64decode(part + "==")) if i < 2 else part for i, part in enumerate(token.split(".")))
    if header["kid"] not in tally["kids"]:
        tally["kids"].append(header["kid"])
    alive.append((payload["exp"], token))
    tally["minted"] += 1


def check(token: str) -> None:
    try:
        call("http://127.0.0.1:8000/verify", token.encode())
        tally["checked"] += 1
    except urllib.error.HTTPError as error:
        tally["rejected"] += 1
        tally["reasons"] = [*tally["reasons"], error.read().decode()][-5:]


while True:
    try:
        mint()
        check(alive[-1][1])
        now = time.time()
        alive = [(until, token) for until, token in alive if until > now + 1]
        for _, token in random.sample(alive, min(4, len(alive))):
            check(token)
        # The oldest one is what a retirement that comes too early would hit.
        if alive:
            check(alive[0][1])
    except OSError:
        tally["unavailable"] += 1
    with open("/run/traffic.new", "w") as file:
        json.dump(tally, file)
    os.replace("/run/traffic.new", "/run/traffic.json")
    time.sleep(0.1)
