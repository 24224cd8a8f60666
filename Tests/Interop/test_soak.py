# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Random churn with faults, seeded: counts agree at every look, survivors lose nothing, nothing is left at the end.

HEADWATER_SOAK_SECONDS and HEADWATER_SOAK_SEED make it longer or repeat a run that failed.
"""

import asyncio
import json
import os
import random
import socket
import struct
import time
from collections import Counter
from dataclasses import dataclass, field

from harness.eventstream import EventStreamReader
from harness.waiting import wait_until

SECONDS = float(os.environ.get("HEADWATER_SOAK_SECONDS", "40"))
SEED = int(os.environ.get("HEADWATER_SOAK_SEED", "20260101"))
CHANNELS = [f"soak{number}" for number in range(6)]
HEAD = b"/channels/soak0/events HTTP/1.1\r\nHost: soak\r\n"
GARBAGE = [
    b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    b"\0" * 100,
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET " + HEAD + b"X",
    b"GET /events?interval=1 HTTP/1.1\r\nHost: soak\r\n\r\n",
    b"POST " + HEAD + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]


@dataclass
class Follower:
    """One logical subscriber: several streams one after another, resumed by id, one sequence to check."""

    channel: str
    last_id: str = ""
    sequence: int = 0
    received: int = 0
    gaps: int = 0


@dataclass
class Soak:
    origin: object
    dice: random.Random
    stop_at: float
    done: Counter = field(default_factory=Counter)
    published: Counter = field(default_factory=Counter)

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.stop_at

    async def connect(self, admin: bool = False, receive_buffer: int = 0):
        plain = socket.socket()
        if receive_buffer:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        plain.setblocking(False)
        address = ("127.0.0.1", self.origin.admin_port if admin else self.origin.port)
        await asyncio.get_running_loop().sock_connect(plain, address)
        return await asyncio.open_connection(sock=plain)

    async def open(self, target: str, last_id: str = "", receive_buffer: int = 0):
        reader, writer = await self.connect(receive_buffer=receive_buffer)
        resume = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
        writer.write(f"GET {target} HTTP/1.1\r\nHost: soak\r\n{resume}\r\n".encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        assert head.startswith(b"HTTP/1.1 200"), head
        self.done["opened"] += 1
        return reader, writer

    def leave(self, writer) -> None:
        """One of the ways in which clients go."""
        way = self.dice.choice(["close", "reset", "half-close"])
        self.done[way] += 1
        plain = writer.get_extra_info("socket")
        # The origin may have been faster and cut a slow reader off; then there is nothing left to reset.
        if way == "reset" and plain.fileno() >= 0:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if way == "half-close":
            try:
                writer.write_eof()
            except OSError:
                pass  # The origin was faster: a garbage sender or a slow reader is cut off.
            asyncio.get_running_loop().call_later(self.dice.uniform(0, 0.3), writer.close)
        else:
            writer.close()

    # The roles

    async def follow(self, follower: Follower) -> None:
        """Reads, leaves in the middle, resumes, and checks that the sequence has no hole and no repeat."""
        while not self.over:
            reader, writer = await self.open(f"/channels/{follower.channel}/events", follower.last_id)
            await self.read(reader, follower, min(self.stop_at, time.monotonic() + self.dice.uniform(0.02, 3)))
            self.leave(writer)
            await asyncio.sleep(self.dice.uniform(0, 0.2))

    async def read(self, reader, follower: Follower, until: float) -> None:
        events = EventStreamReader(last_event_id=follower.last_id, _id=follower.last_id)
        while (remaining := until - time.monotonic()) > 0:
            try:
                size = await asyncio.wait_for(reader.readuntil(b"\r\n"), remaining)
            except asyncio.TimeoutError:
                return
            chunk = await asyncio.wait_for(reader.readexactly(int(size, 16) + 2), 10)
            for one in events.feed(chunk[:-2]):
                if one.event == "gap":
                    follower.gaps += 1
                    continue
                sequence = int(one.id.rpartition(".")[2])
                assert follower.sequence in (0, sequence - 1), (follower, one)
                follower.sequence, follower.received = sequence, follower.received + 1
                # The data is the publisher's own count of this channel: the same check, end to end.
                assert int(one.data.split(" ")[0]) == sequence, one
            # As a browser does: the position moves when an event is complete, not when its id line is read.
            follower.last_id = events.last_event_id

    async def publish(self, channels: list[str]) -> None:
        """The only publisher of its channels, so that its own count must be the sequence that the origin gives out."""
        reader, writer = await self.connect(admin=True)
        while not self.over:
            channel = self.dice.choice(channels)
            self.published[channel] += 1
            body = f"{self.published[channel]} {'x' * self.dice.choice([0, 10, 300, 5_000])}".encode()
            head = f"POST /channels/{channel}/events HTTP/1.1\r\nHost: soak\r\nContent-Type: text/plain\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            assert answer.startswith(b"HTTP/1.1 201"), answer
            length = next(line for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            ids = json.loads(await reader.readexactly(int(length.split(b":")[1])))["ids"]
            assert int(ids[0].rpartition(".")[2]) == self.published[channel]
            await asyncio.sleep(self.dice.uniform(0, 0.01))
        writer.close()

    async def read_slowly(self) -> None:
        while not self.over:
            reader, writer = await self.open(f"/events?interval=10&size={self.dice.choice([4096, 65536])}", "", 4096)
            self.done["slow"] += 1
            await asyncio.sleep(self.dice.uniform(0.2, 3))
            self.leave(writer)

    async def disturb(self) -> None:
        while not self.over:
            reader, writer = await self.connect()
            writer.write(self.dice.choice(GARBAGE) if self.dice.random() < 0.7 else self.dice.randbytes(200))
            self.done["garbage"] += 1
            if self.dice.random() < 0.5:
                await asyncio.sleep(self.dice.uniform(0, 0.1))
            self.leave(writer)
            await asyncio.sleep(self.dice.uniform(0, 0.05))

    async def churn(self) -> None:
        """Opens and leaves at once, often before the head is there."""
        while not self.over:
            reader, writer = await self.connect()
            target = self.dice.choice(
                ["/events?interval=50&duration=1", f"/channels/{self.dice.choice(CHANNELS)}/events"]
            )
            writer.write(f"GET {target} HTTP/1.1\r\nHost: soak\r\n\r\n".encode())
            self.done["churn"] += 1
            await asyncio.sleep(self.dice.choice([0, 0, 0.001, 0.01, 0.1, 1.3]))
            self.leave(writer)

    async def watch(self) -> None:
        """debug_streams() itself fails when opened − closed is not active."""
        loop = asyncio.get_running_loop()
        while not self.over:
            shown = await loop.run_in_executor(None, self.origin.debug_streams)
            self.done["looks"] += 1
            self.done["most active"] = max(self.done["most active"], shown["active"])
            await asyncio.sleep(0.05)

    async def run(self, followers: list[Follower]) -> None:
        roles = [self.follow(one) for one in followers]
        roles += [self.publish(CHANNELS[:2]), self.publish(CHANNELS[2:]), self.watch()]
        roles += [self.read_slowly() for _ in range(4)] + [self.churn() for _ in range(6)]
        roles += [self.disturb() for _ in range(3)]
        tasks = [asyncio.create_task(role) for role in roles]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def last_round(self, followers: list[Follower]) -> None:
        """Everyone resumes once more and reads to the end of its channel: nothing may be missing."""
        for follower in followers:
            last = self.published[follower.channel]
            reader, writer = await self.open(f"/channels/{follower.channel}/events", follower.last_id)
            deadline = time.monotonic() + 10
            while follower.sequence < last:
                assert time.monotonic() < deadline, (follower, last)
                await self.read(reader, follower, time.monotonic() + 0.2)
            writer.close()


def test_random_churn_leaks_nothing_and_loses_nothing(start_origin, request):
    # The ring holds all that a follower can miss while it is away, so that no gap is ever excused.
    origin = start_origin(
        "--heartbeat", "0.5", "--channel-events", "20000", "--channel-bytes", "67108864", "--slow-bytes", "500000",
        "--slow-seconds", "2",
    )  # fmt: skip
    warm = [origin.request("GET", "/events?interval=1", admin=False) for _ in range(3)]
    assert {status for status, _, _ in warm} == {400}
    files = origin.process.open_files()
    soak = Soak(origin, random.Random(SEED), time.monotonic() + SECONDS)
    followers = [Follower(CHANNELS[number % len(CHANNELS)]) for number in range(40)]

    async def all_of_it() -> None:
        await soak.run(followers)
        await soak.last_round(followers)

    try:
        asyncio.run(all_of_it())
    finally:
        print(f"seed {SEED}: {dict(soak.done)}, published {sum(soak.published.values())}")
    assert all(follower.gaps == 0 for follower in followers)
    assert all(follower.received > 0 for follower in followers)
    assert (
        min(soak.done[name] for name in ("close", "reset", "half-close", "garbage", "slow", "churn", "looks"))
        > SECONDS / 2
    )

    shown = origin.wait_active(0, timeout=10)
    assert shown["opened"] == shown["closed"] >= soak.done["opened"]
    wait_until(lambda: origin.process.open_files() <= files, f"back to {files} file descriptors", timeout=15)
    wait_until(lambda: len(origin.closed_streams()) >= shown["opened"], f"{shown['opened']} records", timeout=5)
    assert len({str(one["stream"]) for one in origin.closed_streams()}) == shown["opened"]
