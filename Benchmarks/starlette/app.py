# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors

"""The Starlette peer, for granian: what one writes with StreamingResponse. One task encodes an event per interval and
puts it into every stream's queue. `GET /events` joins the fan-out, `GET /idle` is a stream without events.

BENCH_INTERVAL_MS and BENCH_DATA_SIZE in the environment say how often and how much."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

INTERVAL = int(os.environ["BENCH_INTERVAL_MS"]) / 1000
DATA_SIZE = int(os.environ["BENCH_DATA_SIZE"])
FIELDS = {"cache-control": "no-cache, no-store, no-transform", "x-accel-buffering": "no", "incremental": "?1"}

subscribers: set[asyncio.Queue[bytes]] = set()


async def publish() -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    sequence = 0
    while True:
        # Due times are counted from the start, so that a late wake-up does not lower the rate.
        due += INTERVAL
        await asyncio.sleep(max(0.0, due - loop.time()))
        sequence += 1
        start = f'{{"seq":{sequence},"ts":{time.time_ns()},"pad":"'
        data = start + "x" * (DATA_SIZE - len(start) - 2) + '"}'
        event = f"id: starlett.{sequence}\ndata: {data}\n\n".encode()
        for queue in subscribers:
            queue.put_nowait(event)


async def stream(takes_events: bool) -> AsyncIterator[bytes]:
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    if takes_events:
        subscribers.add(queue)
    try:
        yield b": connected\n\nretry: 3000\n\n"
        while True:
            yield await queue.get()
    finally:
        subscribers.discard(queue)


async def events(_: Request) -> StreamingResponse:
    return StreamingResponse(stream(takes_events=True), media_type="text/event-stream", headers=FIELDS)


async def idle(_: Request) -> StreamingResponse:
    return StreamingResponse(stream(takes_events=False), media_type="text/event-stream", headers=FIELDS)


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    publisher = asyncio.create_task(publish())
    yield
    publisher.cancel()


app = Starlette(routes=[Route("/events", events), Route("/idle", idle)], lifespan=lifespan)
