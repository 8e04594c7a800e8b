import hashlib
import json
import os
import urllib.request

base = os.environ["ONECLI_BASE_URL"]
headers = {"Authorization": "Bearer onecli://prod/openai"}


def ask(place, data=None):
    with urllib.request.urlopen(urllib.request.Request(base + place, data=data, headers=headers)) as answer:
        return answer.read()


body = b"by base URL " * 50_000
echo = json.loads(ask("api.openai.com/v1/echo", body))
events = [line for line in ask("api.openai.com/v1/stream").splitlines() if line]
print(json.dumps({
    "isSame": echo["sha256"] == hashlib.sha256(body).hexdigest(),
    "events": len(events),
    "big": len(ask("api.openai.com/v1/big")),
}))
