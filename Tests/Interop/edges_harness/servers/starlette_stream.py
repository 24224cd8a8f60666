# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""A Starlette application on uvicorn: a stream of ticks, and a chat completion as answer to a POST. Prints its port."""

import asyncio
import json
import socket
import time
from typing import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route


async def ticks() -> AsyncIterator[str]:
    """Ticks without ids, with the time in milliseconds."""
    number = 0
    while True:
        number += 1
        yield f"event: tick\ndata: {json.dumps({'n': number, 'ts': int(time.time() * 1000)})}\n\n"
        await asyncio.sleep(0.1)


async def tokens() -> AsyncIterator[str]:
    """Tokens as chat-completions endpoints send them."""
    for number in range(50):
        chunk = {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": f"w{number} "}}]}
        yield f"data: {json.dumps(chunk)}\n\n"
        await asyncio.sleep(0.15 if number % 11 == 0 else 0.025)
    yield "data: [DONE]\n\n"


async def events(_: Request) -> StreamingResponse:
    """GET /events"""
    return StreamingResponse(ticks(), media_type="text/event-stream")


async def completions(request: Request) -> StreamingResponse:
    """POST /v1/chat/completions"""
    assert (await request.json())["stream"]
    return StreamingResponse(tokens(), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


application = Starlette(
    routes=[Route("/events", events), Route("/v1/chat/completions", completions, methods=["POST"])]
)

if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(application, log_level="warning", fd=listener.fileno())).run()
