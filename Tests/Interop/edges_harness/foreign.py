# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Event stream servers that are not ours: Nchan, Node, Starlette."""

import os
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator

from harness.process import ManagedProcess

from .edge import free_port
from .nginx import Nginx

SERVERS = Path(__file__).with_name("servers")

NCHAN = """\
{user}daemon off;
pid nginx.pid;
error_log stderr warn;
worker_processes 1;
load_module {module};
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port};
        location = /publish {{ nchan_publisher; nchan_channel_id main; nchan_message_buffer_length 200; }}
        location = /events {{
            nchan_subscriber eventsource; nchan_channel_id main; nchan_subscriber_first_message newest;
        }}
    }}
}}
"""
MODULES = ["/usr/lib/nginx/modules/ngx_nchan_module.so", "/usr/lib64/nginx/modules/ngx_nchan_module.so"]


@contextmanager
def _announced(command: list[str], directory: Path, name: str) -> Iterator[str]:
    """A server that prints its port."""

    def has_port(process: ManagedProcess) -> bool:
        return process.stdout().strip().isdigit()

    with ManagedProcess(command, directory, name=name, ready=has_port) as process:
        yield f"http://127.0.0.1:{process.stdout().strip()}"


def node(directory: Path):
    """`/events`"""
    return _announced(["node", str(SERVERS / "node_stream.mjs")], directory, "node")


def starlette(directory: Path):
    """`/events`, and `/v1/chat/completions` for a POST."""
    return _announced([sys.executable, str(SERVERS / "starlette_stream.py")], directory, "starlette")


@contextmanager
def nchan(directory: Path, interval: float = 0.1, event: Callable[[int], str] = "event {}".format) -> Iterator[str]:
    """`/events`, with a publisher of ours that posts an event, made of its number, after each interval in seconds."""
    module = next((path for path in MODULES if Path(path).exists()), None)
    assert module, "Nchan is not installed: apt-get install libnginx-mod-nchan"
    port = free_port()
    directory.mkdir(parents=True, exist_ok=True)
    user = "user root;\n" if os.geteuid() == 0 else ""
    text = NCHAN.format(user=user, module=module, port=port)
    (directory / "nginx.conf").write_text(text, encoding="utf-8")
    url = f"http://127.0.0.1:{port}"

    def publish(number: int) -> bool:
        body = event(number).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{url}/publish", body), timeout=2):
                return True
        except OSError:
            return False

    stopped = threading.Event()

    def publish_on() -> None:
        number, start = 1, time.monotonic()
        while not stopped.wait(max(0, start + number * interval - time.monotonic())):
            publish(number)
            number += 1

    command = [Nginx.program(), "-p", str(directory), "-c", "nginx.conf", "-e", "stderr"]
    with ManagedProcess(command, directory, name="nchan", ready=lambda _: publish(0), working_directory=directory):
        publisher = threading.Thread(target=publish_on, daemon=True)
        publisher.start()
        try:
            yield url
        finally:
            stopped.set()
            publisher.join()
