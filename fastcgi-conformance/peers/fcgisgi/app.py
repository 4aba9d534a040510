"""The contract, with fcgisgi (ASGI), on descriptor 0."""

import asyncio

from fcgisgi import run_asgi_server

PIECE = b"abcdefghijklmnopqrstuvwxyz" * 1000
PLAIN = (b"content-type", b"text/plain")


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def head(status, *fields):
        await send({"type": "http.response.start", "status": status, "headers": [PLAIN, *fields]})

    async def piece(body, more=True):
        await send({"type": "http.response.body", "body": body, "more_body": more})

    async def answer(body, status=200):
        await head(status, (b"content-length", b"%d" % len(body)))
        await piece(b"" if scope["method"] == "HEAD" or status in (204, 304) else body, False)

    async def body():
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError
            yield message.get("body", b"")
            if not message.get("more_body"):
                return

    path = scope["path"]
    params = scope["extensions"]["fcgisgi"]["fcgi_params"]
    if path == "/hello":
        await answer(b"Hello, world!")
    elif path == "/echo":
        await answer(b"".join([data async for data in body()]))
    elif path == "/length":
        await answer(b"%d" % sum([len(data) async for data in body()]))
    elif path == "/params":
        lines = [b"%s=%s\n" % (encoded(n), encoded(v)) for n, v in params if n.startswith(b"T_")]
        await answer(b"".join(lines))
    elif path == "/headers":
        await answer(b"".join(b"%s: %s\n" % field for field in scope["headers"]))
    elif path.startswith("/status/"):
        status = int(path.removeprefix("/status/"))
        if status in (204, 304):
            await head(status)
            await piece(b"", False)
        elif 300 <= status < 400:
            await head(status, (b"location", b"/elsewhere"))
            await piece(b"status %d\n" % status, False)
        else:
            await answer(b"status %d\n" % status, status)
    elif path == "/fields":
        await head(
            200,
            (b"set-cookie", b"a=1"),
            (b"set-cookie", b"b=2"),
            (b"x-long", b"x" * 4000),
            (b"connection", b"close"),
        )
        await piece(b"fields\n", False)
    elif path.startswith("/bytes/"):
        left = int(path.removeprefix("/bytes/"))
        await head(200, (b"content-length", b"%d" % left))
        while left > 0:
            await piece(PIECE[:left], left > len(PIECE))
            left -= len(PIECE)
    elif path == "/slow":
        await head(200)
        await piece(b"first\n")
        await asyncio.sleep(0.6)
        await piece(b"last\n", False)
    elif path == "/duplex":
        await head(200)
        await piece(b"first\n")
        await piece(b"%d\n" % sum([len(data) async for data in body()]), False)
    elif path == "/fail/before":
        raise RuntimeError("it fails, as it was asked to")
    elif path == "/fail/after":
        await head(200, (b"content-length", b"1000"))
        await piece(b"x" * 100)
        raise RuntimeError("it fails, as it was asked to")
    elif path == "/fail/surplus":
        await head(200, (b"content-length", b"5"))
        await piece(b"1234567890", False)
    elif path == "/stderr":
        await answer(b"fcgisgi has no stderr for ASGI", 501)
    elif path == "/wait":
        await asyncio.sleep(3)
        await answer(b"late")
    else:
        raw = scope.get("raw_path", scope["path"].encode())
        script = scope.get("root_path", "").encode()
        if script and raw.startswith(script):
            raw = raw[len(script):]
        text = b"method=%s\nscript=%s\npath=%s\nquery=%s\n" % (
            scope["method"].encode(), script, raw, scope["query_string"])
        await answer(text, 200 if path.startswith("/target") or b"/target" in raw else 404)


def encoded(text):
    plain = b"_-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return b"".join(b"%c" % byte if byte in plain else b"%%%02X" % byte for byte in text)


asyncio.run(run_asgi_server(app))
