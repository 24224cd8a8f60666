# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Apache httpd."""

import os
from pathlib import Path

from harness.process import ProcessFailed

from .edge import Edge, Swap

MAIN = """\
ServerRoot {root}
DefaultRuntimeDir {root}
PidFile {root}/httpd.pid
Mutex file:{root} default
ServerName localhost
ErrorLog /dev/stderr
LogLevel info
{user}StartServers 1
ServerLimit 2
ThreadsPerChild 25
MaxRequestWorkers 50
{modules}
Include {root}/headwater.conf
"""

MODULES = ["mpm_event", "authz_core", "setenvif", "proxy", "proxy_http"]
MODULE_FOLDERS = ["/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/local/apache2/modules"]


class Httpd(Edge):
    name = "httpd"
    files = ["headwater.conf"]
    programs = ["apache2", "httpd"]
    install = "apt-get install apache2"

    idle_timer = [Swap("timeout=60", "timeout={}")]
    idle_end = "fin"
    leave_seen_at_once = False

    def shut_down(self) -> None:
        # After SIGTERM it waits about 10 s for streams and then does this itself.
        self.process.kill()

    def command(self) -> list[str]:
        folder = next((folder for folder in MODULE_FOLDERS if Path(folder, "mod_proxy.so").exists()), None)
        if folder is None:
            raise ProcessFailed(f"httpd: no mod_proxy.so in any of {', '.join(MODULE_FOLDERS)}")
        main = MAIN.format(
            root=self.directory,
            # It refuses to serve as root.
            user="User nobody\nGroup nogroup\n" if os.geteuid() == 0 else "",
            modules="\n".join(f"LoadModule {name}_module {folder}/mod_{name}.so" for name in MODULES),
        )
        (self.directory / "httpd.conf").write_text(main, encoding="utf-8")
        return [self.program(), "-D", "FOREGROUND", "-f", str(self.directory / "httpd.conf")]
