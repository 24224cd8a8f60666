# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""nginx."""

import os

from .edge import Edge, Swap

MAIN = """\
{user}daemon off;
pid nginx.pid;
error_log stderr info;
worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include headwater.conf;
}}
"""


class Nginx(Edge):
    name = "nginx"
    files = ["headwater.conf"]
    programs = ["nginx"]
    install = "apt-get install nginx-light"

    idle_timer = [Swap("proxy_read_timeout 60s", "proxy_read_timeout {}s")]
    idle_end = "fin"
    leave_seen_at_once = True

    # What turns our configuration into nginx's defaults, and further into its default protocol towards an upstream.
    default_buffering = [Swap("proxy_buffering off;", "")]
    http_1_0 = [Swap("proxy_http_version 1.1;", "proxy_http_version 1.0;")]

    def command(self) -> list[str]:
        # As root it would give its workers to another user, who cannot enter the test's folder.
        user = "user root;\n" if os.geteuid() == 0 else ""
        (self.directory / "nginx.conf").write_text(MAIN.format(user=user), encoding="utf-8")
        return [self.program(), "-p", str(self.directory), "-c", "nginx.conf", "-e", "stderr"]
