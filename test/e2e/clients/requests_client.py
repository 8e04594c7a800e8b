import hashlib
import json
import os

import requests

headers = {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
session = requests.Session()
body = b"requests " * 50_000
echo = session.post("https://api.openai.com/v1/echo", data=body, headers=headers).json()
chunked = session.post("https://api.openai.com/v1/echo", data=(body[i : i + 9000] for i in range(0, len(body), 9000)), headers=headers).json()
with session.get("https://api.openai.com/v1/stream", headers=headers, stream=True) as answer:
    events = [line for line in answer.iter_lines() if line]
big = len(session.get("https://api.openai.com/v1/big", headers=headers).content)
basic = session.get("https://api.github.com/v1/x", auth=("x", "onecli://prod/github")).status_code
denied = session.get("https://api.openai.com/v1/x", headers={"Authorization": "Bearer onecli://prod/absent"})
try:
    unknown = session.get("https://unknown.example/").status_code
except requests.exceptions.ProxyError as error:
    unknown = str(error)
digest = hashlib.sha256(body).hexdigest()
print(json.dumps({
    "isSame": echo["sha256"] == digest and chunked["sha256"] == digest,
    "events": len(events), "big": big, "basic": basic,
    "denied": [denied.status_code, denied.json()["error"]["code"]], "unknown": unknown,
}))
