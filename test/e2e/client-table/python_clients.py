"""Runs one Python client through the gateway, feature by feature. It holds nothing but the placeholder, and prints what
came of each feature: `ok`, or what went wrong."""
import asyncio
import hashlib
import io
import json
import sys

PLACEHOLDER = "onecli://prod/openai"
API = "https://api.example.com"
SOCKET = "wss://socket.example/socket"
HEADERS = {"Authorization": "Bearer " + PLACEHOLDER}
CONTENT = b"upload " * 50_000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def with_urllib():
    from urllib.request import Request, urlopen

    def ask(path, data=None):
        return urlopen(Request(API + path, data=data, headers=HEADERS))

    return {
        "json": lambda: json.load(ask("/json"))["ok"],
        "stream": lambda: ask("/stream").read().count(b"data: ") == 3,
        "upload": lambda: json.load(ask("/upload", CONTENT))["sha256"] == DIGEST,
    }


def with_requests():
    import requests

    return {
        "json": lambda: requests.get(API + "/json", headers=HEADERS).json()["ok"],
        "stream": lambda: sum(map(bool, requests.get(API + "/stream", headers=HEADERS, stream=True).iter_lines())) == 3,
        "upload": lambda: requests.post(API + "/upload", data=CONTENT, headers=HEADERS).json()["sha256"] == DIGEST,
    }


def with_httpx():
    import httpx

    def stream():
        with httpx.stream("GET", API + "/stream", headers=HEADERS) as answer:
            return sum(map(bool, answer.iter_lines())) == 3

    return {
        "json": lambda: httpx.get(API + "/json", headers=HEADERS).json()["ok"],
        "stream": stream,
        "upload": lambda: httpx.post(API + "/upload", content=CONTENT, headers=HEADERS).json()["sha256"] == DIGEST,
    }


def with_aiohttp():
    import aiohttp

    def run(use):
        async def main():
            async with aiohttp.ClientSession(trust_env=True, headers=HEADERS) as session:
                return await use(session)

        return lambda: asyncio.run(main())

    async def get(session):
        async with session.get(API + "/json") as answer:
            return (await answer.json())["ok"]

    async def stream(session):
        async with session.get(API + "/stream") as answer:
            return (await answer.read()).count(b"data: ") == 3

    async def upload(session):
        async with session.post(API + "/upload", data=io.BytesIO(CONTENT)) as answer:
            return (await answer.json())["sha256"] == DIGEST

    async def websocket(session):
        async with session.ws_connect(SOCKET) as socket:
            await socket.send_str("hello")
            return await socket.receive_str() == "hello"

    return {"json": run(get), "stream": run(stream), "upload": run(upload), "websocket": run(websocket)}


def with_websockets():
    from websockets.sync.client import connect

    def echo():
        with connect(SOCKET, additional_headers=HEADERS) as socket:
            socket.send("hello")
            return socket.recv() == "hello"

    return {"websocket": echo}


def with_openai():
    from openai import OpenAI

    client = OpenAI(api_key=PLACEHOLDER)
    chat = {"model": "gpt", "messages": [{"role": "user", "content": "Hi"}]}
    return {
        "json": lambda: client.chat.completions.create(**chat).choices[0].message.content == "Hello.",
        "stream": lambda: len(list(client.chat.completions.create(**chat, stream=True))) == 4,
        "upload": lambda: client.files.create(file=("a.jsonl", CONTENT), purpose="batch").bytes > len(CONTENT),
    }


def with_anthropic():
    from anthropic import Anthropic

    client = Anthropic(api_key=PLACEHOLDER)
    ask = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}

    def stream():
        with client.messages.stream(**ask) as events:
            return "".join(events.text_stream) == "Hello."

    return {"json": lambda: client.messages.create(**ask).content[0].text == "Hello.", "stream": stream}


def with_boto3():
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    client = boto3.client("s3", region_name="us-east-1", endpoint_url="https://s3.us-east-1.amazonaws.com", config=Config(signature_version=UNSIGNED))

    def add_key(request, **_):
        request.headers["Authorization"] = HEADERS["Authorization"]

    client.meta.events.register("before-sign.s3", add_key)
    return {
        "stream": lambda: client.get_object(Bucket="bucket", Key="a.txt")["Body"].read() == b"object",
        "upload": lambda: client.put_object(Bucket="bucket", Key="a.txt", Body=CONTENT)["ETag"] == '"e"',
    }


def attempt(feature):
    try:
        return "ok" if feature() is True else "the answer was another"
    except Exception as error:  # what a client makes of a failure is what this prints
        return repr(error)


CLIENTS = {
    "urllib": with_urllib,
    "requests": with_requests,
    "httpx": with_httpx,
    "aiohttp": with_aiohttp,
    "openai": with_openai,
    "anthropic": with_anthropic,
    "boto3": with_boto3,
    "websockets": with_websockets,
}
print(json.dumps({name: attempt(feature) for name, feature in CLIENTS[sys.argv[1]]().items()}))
