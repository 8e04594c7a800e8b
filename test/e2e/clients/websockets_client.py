import asyncio
import base64
import json
import os
import socket
import ssl
import sys
from urllib.parse import unquote, urlsplit

import websockets


def tunnel(host):
    """A socket through the gateway: this version of the library knows no proxies."""
    proxy = urlsplit(os.environ["HTTPS_PROXY"])
    credentials = base64.b64encode(f"{unquote(proxy.username)}:{unquote(proxy.password)}".encode()).decode()
    connection = socket.create_connection((proxy.hostname, proxy.port))
    connection.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\nProxy-Authorization: Basic {credentials}\r\n\r\n".encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += connection.recv(1)
    assert answer.startswith(b"HTTP/1.1 200"), answer
    return connection


async def talk(host, compression):
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    options = {"sock": tunnel(host), "ssl": context, "server_hostname": host, "compression": compression}
    headers = {"Authorization": "Bearer onecli://prod/realtime"}
    async with websockets.connect(f"wss://{host}/v1/python", extra_headers=headers, max_size=None, **options) as ws:
        await ws.send("hello")
        echoed = [await ws.recv()]
        await ws.send(["frag", "men", "ted"])
        echoed.append(await ws.recv())
        big = "ä" * 300_000
        await ws.send(big)
        is_same = await ws.recv() == big
        data = os.urandom(200_000)
        await ws.send(data)
        is_same = is_same and await ws.recv() == data
        await (await ws.ping())
        await ws.send(json.dumps({"token": "onecli://prod/realtime"}))
        await ws.recv()
        await ws.send("close 4001 bye")
        await ws.wait_closed()
        return {"echoed": echoed, "isSame": is_same, "code": ws.close_code, "reason": ws.close_reason,
                "extensions": [extension.name for extension in ws.extensions]}


async def refused(host):
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    try:
        await websockets.connect(f"wss://{host}/v1/refused", sock=tunnel(host), ssl=context, server_hostname=host)
    except websockets.InvalidStatusCode as error:
        return error.status_code


async def main():
    print(json.dumps({
        "deflate": await talk("deflate.example", "deflate"),
        "plain": await talk("plain.example", None),
        "refused": await refused("plain.example"),
    }))


asyncio.run(main())
