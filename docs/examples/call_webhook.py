"""Calls a `generic` webhook as Standard Webhooks asks: `python call_webhook.py TRACKER endpoint.json scans.json [ID]`."""

import base64, hmac, json, sys, time, uuid
from pathlib import Path
import httpx

tracker, endpoint, body = sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3]).read_bytes()
identity, stamp = (sys.argv[4:] or [str(uuid.uuid4())])[0], str(int(time.time()))
key = base64.b64decode(endpoint["secret"].removeprefix("whsec_"))
signature = base64.b64encode(hmac.digest(key, f"{identity}.{stamp}.".encode() + body, "sha256")).decode()
headers = {"webhook-id": identity, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}
answer = httpx.post(tracker + endpoint["path"], content=body, headers=headers)
print(answer.status_code, answer.text)
