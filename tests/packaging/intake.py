"""A strict stand-in for Datadog's intake: intake.py API_KEY PREFIX PORT

Listens on 127.0.0.1 (port 0: any), writes its port to PREFIX.port and each point to PREFIX.series:
name, value, type, time, tags. It answers 400 to what Datadog would not take, and writes the reason
to PREFIX.refused.
"""

import json
import math
import os
import sys
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

api_key, prefix, port = sys.argv[1:]
largest_sent = 512_000
largest_raw = 3_200_000


class Refusal(Exception):
    pass


def require(holds, reason):
    if not holds:
        raise Refusal(reason)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def lines_of(series):
    name, kind, tags = series["metric"], series["type"], series.get("tags", [])
    require(isinstance(name, str) and name, "a series without a name")
    require(kind in ("count", "rate", "gauge"), f"{name}: the type {kind}")
    require(kind == "gauge" or series.get("interval", 0) > 0, f"{name}: no interval")
    require(all(isinstance(tag, str) and tag for tag in tags), f"{name}: the tags {tags}")
    times = [time for time, _ in series["points"]]
    require(times, f"{name}: no point")
    require(all(isinstance(time, int) for time in times), f"{name}: the times {times}")
    require(len(times) == len(set(times)), f"{name}: two points in one second")
    for time, value in series["points"]:
        require(is_number(value), f"{name}: the value {value}")
        yield f"{name} {value:.15g} {kind} {time} {','.join(tags)}\n"


class Intake(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        knows = self.headers.get("DD-API-KEY") == api_key
        self.answer(200 if knows else 403, b'{"valid": true}')

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("DD-API-KEY") != api_key:
            self.answer(403)
            return
        try:
            require(api_key not in self.path, "the key is in the address")
            self.take(body)
        except (Refusal, KeyError, TypeError, ValueError, zlib.error) as error:
            with open(prefix + ".refused", "a") as file:
                file.write(f"{self.path}: {error!r}\n")
            self.answer(400)
            return
        self.answer(202)

    def take(self, body):
        require(self.headers.get("Content-Encoding") == "deflate", "it is not compressed")
        require(self.headers.get("Content-Type") == "application/json", "it is not called JSON")
        raw = zlib.decompress(body)
        require(len(body) <= largest_sent and len(raw) <= largest_raw, "it is too large")
        payload = json.loads(raw)
        if self.path.endswith("/v1/series"):
            lines = [line for series in payload["series"] for line in lines_of(series)]
            with open(prefix + ".series", "a") as file:
                file.write("".join(lines))
        else:
            require(self.path.endswith("/v1/input"), "nothing is taken there")
            require(isinstance(payload, list), "logs are a list")

    def answer(self, status, body=b'{"status": "ok"}'):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *args):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # an agent that has ended
            super().handle_error(*args)


server = Server(("127.0.0.1", int(port)), Intake)
for name in (".series", ".refused"):
    open(prefix + name, "a").close()
with open(prefix + ".port.new", "w") as file:
    file.write(str(server.server_port))
os.rename(prefix + ".port.new", prefix + ".port")
server.serve_forever()
