# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""What pages tell operators to type: flags exist, files and links exist, and commands against an origin work."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from operations.tree import PAGES, ROOT, code_blocks, inline_code

SETTINGS = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
FLAGS = set(re.findall(r"`(--[a-z0-9-]+)`", SETTINGS))
# Flags of other programs that pages name.
_FOREIGN_FLAGS = {"--build", "--config", "--admin-host"}

every_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: f"{path.parent.name}/{path.stem}")


@every_page
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (path.parent / target).resolve().exists(), f"{path.name} links to {target}"


@every_page
def test_flags_and_variables_exist(path: Path) -> None:
    text = " ".join(inline_code(path))
    for flag in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", text):
        assert flag in FLAGS | _FOREIGN_FLAGS, f"{path.name} names {flag}"
    known = set(re.findall(r"`(HEADWATER_[A-Z_]+)`", SETTINGS))
    provisioning = (ROOT / "grafana/provisioning/datasources/headwater.yml").read_text(encoding="utf-8")
    known |= set(re.findall(r"\$(HEADWATER_[A-Z_]+)", provisioning))
    for name in re.findall(r"\bHEADWATER_[A-Z_]+\b", text):
        assert name in known, f"{path.name} names {name}"


@every_page
def test_paths_exist(path: Path) -> None:
    """Paths of this repository in backticks, such as `prometheus/rules`."""
    tops = "|".join(("prometheus", "grafana", "otel", "k8s", "edges", "docs"))
    for word in inline_code(path):
        if re.fullmatch(rf"(?:{tops})/[\w./-]*", word):
            assert (ROOT / word).exists(), f"{path.name} names {word}"


def _commands() -> list[tuple[str, str]]:
    found = []
    for path in PAGES:
        for block in code_blocks(path, "sh"):
            lines = [line for line in block.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
            found += [(path.name, line) for line in lines]
    return found


# Commands that need a cluster, an engine, or run until somebody ends them: what stands in for a test of them.
_NOT_HERE = {
    "kubectl apply": "test_kubernetes.py builds and judges what it would apply",
    "docker compose": "no container engine here",
    "docker build": "no container engine here",
    "headwater probe": "the interop tests run it against real intermediaries",
    "make run": "the interop tests start the same executable",
    "promtool test": "test_rules.py runs it on each of these files",
    "prometheus --config.file": "test_live.py starts it with this configuration",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "starts an origin, as test_live.py does",
}


ON_FILES = [one for one in _commands() if one[1].startswith(("promtool check", "python3 "))]


@pytest.mark.parametrize("page, command", ON_FILES)
def test_command_on_files_works(page: str, command: str, tmp_path: Path) -> None:
    copy = tmp_path / "tree"
    for folder in ("prometheus", "grafana"):
        shutil.copytree(ROOT / folder, copy / folder)
    ran = subprocess.run(["bash", "-euc", command], cwd=copy, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, f"{page}: {command}\n{ran.stdout}{ran.stderr}"


def test_command_that_sets_the_runbooks_address_works(tmp_path: Path) -> None:
    [command] = [command for _, command in _commands() if command.startswith("sed ")]
    shutil.copytree(ROOT / "prometheus", tmp_path / "prometheus")
    subprocess.run(["bash", "-euc", command], cwd=tmp_path, check=True)
    text = (tmp_path / "prometheus/rules/alerts.yml").read_text(encoding="utf-8")
    urls = re.findall(r"runbook_url: (\S+)", text)
    assert urls and all(url.startswith("https://") and url.endswith(".md") for url in urls)


def test_every_command_is_run_or_said_not_to_be() -> None:
    for page, command in _commands():
        run = command.startswith(("curl ", "promtool check", "python3 ", "sed "))
        assert run or any(command.startswith(start) for start in _NOT_HERE), f"{page}: nothing runs {command}"


CURLS = sorted({command for _, command in _commands() if command.startswith("curl ")})


@pytest.fixture(scope="module")
def origin(module_origin):
    return module_origin()


@pytest.mark.parametrize("command", CURLS)
def test_command_against_an_origin_works(command: str, origin) -> None:
    addresses = {"127.0.0.1:9464": origin.ready["admin"], "127.0.0.1:8080": origin.ready["http"]}
    for written, real in addresses.items():
        command = command.replace(written, real)
    environment = {**os.environ, "no_proxy": "127.0.0.1"}
    ran = subprocess.run(["bash", "-euc", command], capture_output=True, text=True, timeout=30, env=environment)
    # 28 is --max-time on a stream that goes on.
    assert ran.returncode in ((0, 28) if "--max-time" in command else (0,)), ran.stdout + ran.stderr
    assert ran.stdout.strip(), f"{command} prints nothing"
    assert '"status"' not in ran.stdout[:200], f"{command}: {ran.stdout}"
    if "%{http_code}" in command:
        assert ran.stdout.strip() == "200", f"{command}: {ran.stdout}"
