"""A service that checks tokens with jwcrypto, and says nothing about its keys: python3 jwcrypto-verifier.py URL PORT SECONDS"""
import sys, threading, time, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from jwcrypto.common import JWException
from jwcrypto.jwk import JWKSet
from jwcrypto.jwt import JWT

URL, PORT, CACHED_FOR = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
CLAIMS = {"iss": "https://id.example", "aud": "api", "exp": None}

lock = threading.Lock()
held, until = None, 0


def keys():
    global held, until
    with lock:
        if held is None or time.monotonic() > until:
            with urllib.request.urlopen(URL, timeout=5) as answer:
                held = JWKSet.from_json(answer.read().decode())
            until = time.monotonic() + CACHED_FOR
        return held


def status_for(token):
    try:
        now = keys()
    except (OSError, ValueError, JWException):
        return 503
    try:
        JWT(jwt=token, key=now, algs=["ES256"], check_claims=CLAIMS)
    except (JWException, ValueError):
        return 401
    return 200


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(status_for(self.headers.get("Authorization", "").removeprefix("Bearer ")))
        self.end_headers()


ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
