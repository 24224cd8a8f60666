# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Reads a stream with sseclient-py over requests and prints it as JSON lines: URL [LAST_EVENT_ID]."""

import json
import sys

import requests
import sseclient


def say(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


def main() -> None:
    url, last_event_id = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_event_id} if last_event_id else {})}
    with requests.Session() as session:
        session.trust_env = False
        with session.get(url, headers=headers, stream=True, timeout=30) as response:
            say(status=response.status_code)
            if response.status_code == 200:
                for one in sseclient.SSEClient(response).events():
                    say(event=one.event, data=one.data, id=one.id)
    say(end=True)


main()
