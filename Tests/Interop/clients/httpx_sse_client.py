# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Reads a stream with httpx-sse and prints it as JSON lines: URL [LAST_EVENT_ID]."""

import json
import sys

import httpx
from httpx_sse import connect_sse


def say(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


def main() -> None:
    url, last_event_id = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    with httpx.Client(timeout=httpx.Timeout(30), trust_env=False) as client:
        with connect_sse(client, "GET", url, headers=headers) as source:
            say(status=source.response.status_code)
            if source.response.status_code == 200:
                for one in source.iter_sse():
                    # httpx-sse hands out blocks without data too, which the specification says not to dispatch; the
                    # opening block of every stream (retry and id) is one.
                    if one.data == "" and one.retry is not None:
                        continue
                    say(event=one.event, data=one.data, id=one.id)
    say(end=True)


main()
