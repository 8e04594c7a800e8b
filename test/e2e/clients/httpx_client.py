import hashlib
import json
import os

import httpx

headers = {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
client = httpx.Client(headers=headers)
body = b"httpx " * 50_000
echo = client.post("https://api.openai.com/v1/echo", content=body).json()
chunked = client.post("https://api.openai.com/v1/echo", content=(body[i : i + 9000] for i in range(0, len(body), 9000))).json()
with client.stream("GET", "https://api.openai.com/v1/stream") as answer:
    events = [line for line in answer.iter_lines() if line.strip()]
big = len(client.get("https://api.openai.com/v1/big").content)
try:
    unknown = client.get("https://unknown.example/").status_code
except httpx.ProxyError as error:
    unknown = str(error)
digest = hashlib.sha256(body).hexdigest()
print(json.dumps({
    "isSame": echo["sha256"] == digest and chunked["sha256"] == digest,
    "events": len(events), "big": big, "unknown": unknown,
}))
