# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""compose.yaml, Containerfile, and the collector's and Tempo's configurations, as far as files can be judged.

No container engine and neither collector nor Tempo runs in these tests: what is judged is that all they refer to exists
and fits together, and that they say what the design asks for.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from operations.kustomization import build, containers
from operations.tree import ROOT, document

COMPOSE = document(ROOT / "compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
COLLECTOR = document(ROOT / "otel/collector.yaml")
TEMPO = document(ROOT / "otel/tempo.yaml")
CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8")
SETTINGS = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")

# What a service of compose.yaml may say here; more is a typing error until somebody adds it.
_FIELDS = {
    "build", "image", "command", "environment", "ports", "volumes", "depends_on", "restart", "healthcheck", "ulimits",
    "stop_grace_period", "read_only", "cap_drop", "security_opt", "mem_limit",
}


@pytest.mark.parametrize("name", SERVICES)
def test_service_has_known_fields_and_an_image_with_a_version(name: str) -> None:
    service = SERVICES[name]
    assert set(service) <= _FIELDS
    assert re.search(r":(v?\d+(\.\d+)+|bookworm-slim)$", service["image"]), service["image"]


@pytest.mark.parametrize("name", SERVICES)
def test_mounts_exist_and_what_depends_on_what_does(name: str) -> None:
    service = SERVICES[name]
    for mount in service.get("volumes", []):
        source, target, *mode = mount.split(":")
        assert target.startswith("/")
        if source.startswith("."):
            assert (ROOT / source).exists(), f"{name} mounts {source}, which is not there"
            assert mode == ["ro"], f"{name} could write to {source}"
        else:
            assert source in COMPOSE["volumes"]
    for other in service.get("depends_on", []):
        assert other in SERVICES


def test_files_named_in_commands_are_mounted() -> None:
    for name, service in SERVICES.items():
        targets = [Path(mount.split(":")[1]) for mount in service.get("volumes", [])]
        words = [*service.get("command", []), *service.get("environment", {}).values()]
        for word in words:
            for path in re.findall(r"(?:^|=)(/(?:etc|var|prometheus)[\w./-]*)$", str(word)):
                assert any(Path(path) == one or one in Path(path).parents for one in targets), f"{name}: {path}"
                for mount in service["volumes"]:
                    source, target = mount.split(":")[:2]
                    if source.startswith(".") and Path(target) in Path(path).parents:
                        assert (ROOT / source / Path(path).relative_to(target)).exists(), path


def test_only_streams_are_open_to_the_network() -> None:
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:") or (name, port) == ("headwater", "8080:8080"), f"{name}: {port}"


def test_addresses_between_services_are_services() -> None:
    """http://NAME:PORT in environments and configurations, and targets, are names of compose and of Kubernetes."""
    texts = [str(service.get("environment", {})) for service in SERVICES.values()]
    texts += [(ROOT / f"otel/{name}.yaml").read_text(encoding="utf-8") for name in ("collector", "tempo")]
    named = {match for text in texts for match in re.findall(r"http://([a-z]+):\d+", text)}
    assert named == {"collector", "tempo", "prometheus"}
    assert named <= set(SERVICES)
    services = {one["metadata"]["name"] for one in build(ROOT / "k8s/overlays/dev") if one["kind"] == "Service"}
    assert named <= services
    [target] = document(ROOT / "prometheus/targets/compose.yml")[0]["targets"]
    assert target.partition(":")[0] in SERVICES


def test_compose_and_kubernetes_run_the_same_versions() -> None:
    compose = {service["image"] for name, service in SERVICES.items() if not name.endswith("-volume")}
    pods = {one["image"] for manifest in build(ROOT / "k8s/overlays/dev") for one in containers(manifest)}
    assert compose == pods


def test_settings_of_the_origin_exist() -> None:
    known = set(re.findall(r"`(HEADWATER_[A-Z_]+)`", SETTINGS))
    environment = SERVICES["headwater"]["environment"]
    assert {name for name in environment if name.startswith("HEADWATER_")} <= known
    drain = int(environment["HEADWATER_DRAIN_WINDOW"])
    assert int(SERVICES["headwater"]["stop_grace_period"].rstrip("s")) >= drain + 5


def test_image_is_small_and_without_root() -> None:
    stages = re.findall(r"^FROM (\S+)(?: AS (\w+))?$", CONTAINERFILE, re.M)
    assert [name for _, name in stages] == ["build", ""]
    assert stages[1][0] == "debian:bookworm-slim"
    assert re.search(r"^ARG SWIFT_VERSION=\d+\.\d+\.\d+$", CONTAINERFILE, re.M)
    users = re.findall(r"^USER (\d+):(\d+)$", CONTAINERFILE, re.M)
    assert users == [("65532", "65532")]
    assert CONTAINERFILE.index("USER") > CONTAINERFILE.rindex("RUN"), "something would still run as root"
    last = CONTAINERFILE[CONTAINERFILE.rindex("FROM") :]
    assert "-dev" not in last and "swift" not in last.lower()
    pod = next(one for one in build(ROOT / "k8s/base") if one["kind"] == "Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsUser"] == 65532


def test_image_builds_with_what_bootstrap_installs() -> None:
    """Packages that the build needs on Debian are those of scripts/bootstrap, and each has its library at run time."""
    bootstrap = (ROOT / "scripts/bootstrap").read_text(encoding="utf-8")
    needed = set(re.findall(r'^    "\S+ (\S+)"$', bootstrap.partition("needs_test=")[0], re.M)) - {"git", "make"}
    first, last = CONTAINERFILE.split("FROM debian:")
    assert needed <= set(re.findall(r"[\w.-]+", first)), f"the build stage lacks {needed}"
    assert {"libssl3", "zlib1g", "libprotobuf-c1"} <= set(re.findall(r"[\w.-]+", last))


def test_copied_files_exist_and_are_not_ignored() -> None:
    ignore = (ROOT / ".containerignore").read_text(encoding="utf-8")
    assert ignore == (ROOT / ".dockerignore").read_text(encoding="utf-8")
    for source in re.findall(r"^COPY (?!--)(\S+) \S+$", CONTAINERFILE, re.M):
        assert (ROOT / source).exists(), source
        assert f"\n!{source}\n" in f"{ignore}\n", f"{source} is not in the context"


def test_no_image_is_called_latest() -> None:
    for path in [ROOT / "compose.yaml", ROOT / "Containerfile", *(ROOT / "k8s").rglob("*.yaml")]:
        assert ":latest" not in path.read_text(encoding="utf-8"), path


def test_collector_pipelines_are_made_of_what_is_configured() -> None:
    parts = ("receivers", "processors", "exporters", "connectors", "extensions")
    kinds = {kind: set(COLLECTOR[kind]) for kind in parts}
    used: set[str] = set(COLLECTOR["service"]["extensions"])
    for pipeline in COLLECTOR["service"]["pipelines"].values():
        assert set(pipeline["receivers"]) <= kinds["receivers"] | kinds["connectors"]
        assert set(pipeline["processors"]) <= kinds["processors"]
        assert set(pipeline["exporters"]) <= kinds["exporters"] | kinds["connectors"]
        used |= {name for part in pipeline.values() for name in part}
    assert used == set().union(*kinds.values()), "configured and not used"


def test_collector_limits_memory_first_and_counts_before_it_samples() -> None:
    pipelines = COLLECTOR["service"]["pipelines"]
    for name, pipeline in pipelines.items():
        if "otlp" in pipeline["receivers"]:
            assert pipeline["processors"][0] == "memory_limiter", name
    [counting] = [one for one in pipelines.values() if "span_metrics" in one["exporters"]]
    assert counting["receivers"] == ["otlp"] and "tail_sampling" not in counting["processors"]
    dropped = COLLECTOR["processors"]["filter/short-spans"]["traces"]["span"]
    long = {"sse.stream", "sse.stream.segment", "sse.stream.continued", "sse.connection"}
    assert long == {re.findall('"(.*)"', one)[0] for one in dropped}
    assert "filter/short-spans" in counting["processors"]


def test_collector_keeps_slow_failed_and_dropped_streams() -> None:
    policies = {one["name"]: one for one in COLLECTOR["processors"]["tail_sampling"]["policies"]}
    kinds = [one["type"] for one in policies.values()]
    assert {"string_attribute", "status_code", "ottl_condition", "probabilistic"} <= set(kinds)
    assert "latency" not in kinds, "the duration of a stream's trace says nothing: streams are meant to be long"
    for one in policies.values():
        assert one["type"] in one, f"{one['name']} has no settings"
    assert "idle_timeout" in policies["streams-that-ended-badly"]["string_attribute"]["values"]
    assert COLLECTOR["processors"]["tail_sampling"]["decision_cache"]["sampled_cache_size"] > 50_000


def test_collector_dimensions_are_closed_sets() -> None:
    names = {one["name"] for one in COLLECTOR["connectors"]["span_metrics"]["dimensions"]}
    assert names <= {"http.response.status_code", "http.request.method", "network.protocol.version", "http.route"}


def test_tempo_is_monolithic_of_version_3_with_the_generator() -> None:
    assert not {"ingester", "compactor", "ingester_client", "metrics_generator_client"} & set(TEMPO), "those of Tempo 2"
    assert TEMPO["overrides"]["defaults"]["metrics_generator"]["processors"]
    [write] = TEMPO["metrics_generator"]["storage"]["remote_write"]
    assert write["url"].endswith("/api/v1/write")
    assert "--web.enable-remote-write-receiver" in SERVICES["prometheus"]["command"]
    protocols = TEMPO["distributor"]["receivers"]["otlp"]["protocols"]
    port = COLLECTOR["exporters"]["otlp_http/tempo"]["endpoint"].rstrip("}").rpartition(":")[2]
    assert protocols["http"]["endpoint"].endswith(f":{port}")
    keeps = TEMPO["backend_worker"]["compaction"]["block_retention"]
    assert TEMPO["backend_scheduler"]["provider"]["compaction"]["compaction"]["block_retention"] == keeps
    volume = SERVICES["tempo"]["volumes"][1].split(":")[1]
    for path in (TEMPO["storage"]["trace"]["local"]["path"], TEMPO["storage"]["trace"]["wal"]["path"]):
        assert path.startswith(volume)


@pytest.mark.parametrize("name", ["collector", "tempo"])
def test_every_value_has_its_reason(name: str) -> None:
    """A setting stands under a comment, or in a block that does, or is an address or a path that speaks for itself."""
    lines = (ROOT / f"otel/{name}.yaml").read_text(encoding="utf-8").splitlines()
    comments = sum(line.lstrip().startswith("#") for line in lines)
    values = sum(bool(re.search(r":\s*[\d\[]", line)) for line in lines if not line.lstrip().startswith("#"))
    assert comments > values, f"{values} values and {comments} lines of comment"
