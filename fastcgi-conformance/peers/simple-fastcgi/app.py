"""The contract, with simple_fastcgi and its threads, on descriptor 0."""

import time

from simple_fastcgi import FcgiHandler, FcgiThreadingServer

PIECE = b"abcdefghijklmnopqrstuvwxyz" * 1000


class Handler(FcgiHandler):
    def handle(self):
        path = self.environ.get("PATH_INFO", "")
        if path == "/hello":
            self.answer(b"Hello, world!")
        elif path == "/echo":
            self.answer(bytes(self.read()))
        elif path == "/length":
            self.answer(b"%d" % len(self.read()))
        elif path == "/params":
            pairs = [(n, v) for n, v in self.environ.items() if n.startswith("T_")]
            self.answer("".join(f"{encoded(n)}={encoded(v)}\n" for n, v in pairs).encode())
        elif path.startswith("/status/"):
            status = int(path.removeprefix("/status/"))
            fields = [b"Location: /elsewhere"] if 300 <= status < 400 and status != 304 else []
            self.answer(b"status %d\n" % status, status, *fields)
        elif path == "/fields":
            self.answer(b"fields\n", 200, b"Set-Cookie: a=1", b"Set-Cookie: b=2", b"X-Long: " + b"x" * 4000)
        elif path.startswith("/bytes/"):
            left = int(path.removeprefix("/bytes/"))
            self.head(200, b"Content-Length: %d" % left)
            while left > 0:
                self.write(PIECE[:left])
                left -= len(PIECE)
        elif path == "/slow":
            self.head(200)
            self.write(b"first\n")
            self.flush()
            time.sleep(0.6)
            self.write(b"last\n")
        elif path == "/duplex":
            self.head(200)
            self.write(b"first\n")
            self.flush()
            self.write(b"%d\n" % len(self.read()))
        elif path == "/fail/before":
            raise RuntimeError("it fails, as it was asked to")
        elif path == "/fail/after":
            self.head(200, b"Content-Length: 1000")
            self.write(b"x" * 100)
            self.flush()
            raise RuntimeError("it fails, as it was asked to")
        elif path == "/stderr":
            self.write_err(b"a message\n")
            self.answer(b"stderr\n")
        elif path == "/wait":
            time.sleep(3)
            self.answer(b"late")
        elif path in ("/headers", "/target", "/fail/surplus"):
            self.answer(b"the library hands out params", 501)
        else:
            self.answer(b"not found\n", 404)

    def head(self, status, *fields):
        lines = [b"Status: %d OK" % status, b"Content-Type: text/plain", *fields]
        self.write(b"".join(line + b"\r\n" for line in lines) + b"\r\n")

    def answer(self, body, status=200, *fields):
        self.head(status, *fields)
        if self.environ.get("REQUEST_METHOD") != "HEAD" and status not in (204, 304):
            self.write(body)


def encoded(text):
    plain = b"_-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return "".join(chr(byte) if byte in plain else "%%%02X" % byte for byte in text.encode())


with FcgiThreadingServer(Handler) as server:
    server.serve_forever()
