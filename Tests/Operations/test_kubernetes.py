# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""The manifests: valid for two versions of Kubernetes, and such that pods start, find each other, and drain."""

import re
import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml

from operations.kustomization import build, containers
from operations.tree import ROOT, document, documents

OVERLAYS = {name: build(ROOT / "k8s/overlays" / name) for name in ("dev", "production")}
# The oldest that has the sleep of preStop, and the newest that the validator knows.
VERSIONS = ("1.30", "1.37")
INGRESSES = sorted((ROOT / "k8s/ingress").glob("*.yaml"))

every_overlay = pytest.mark.parametrize("name", OVERLAYS)


def of_kind(name: str, *kinds: str) -> dict[str, dict]:
    return {one["metadata"]["name"]: one for one in OVERLAYS[name] if one["kind"] in kinds}


def workloads(name: str) -> dict[str, dict]:
    return of_kind(name, "Deployment", "StatefulSet")


@every_overlay
@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_are_valid(name: str, version: str) -> None:
    for manifest in OVERLAYS[name]:
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("path", INGRESSES, ids=lambda path: path.stem)
@pytest.mark.parametrize("version", VERSIONS)
def test_ingresses_are_valid(path, version: str) -> None:
    for manifest in documents(path):
        kubernetes_validate.validate(manifest, version, strict=True)


def test_the_validator_refuses_a_field_that_is_not_there() -> None:
    """That the tests above can fail."""
    deployment = dict(workloads("dev")["headwater"])
    deployment["spec"] = {**deployment["spec"], "replica": 1}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, VERSIONS[0], strict=True)


@every_overlay
def test_kubectl_builds_the_same(name: str) -> None:
    """Where kubectl is installed, its kustomize has the last word; Debian 12 has none that knows components."""
    program = shutil.which("kubectl")
    if program is None:
        return
    ran = subprocess.run([program, "kustomize", ROOT / "k8s/overlays" / name], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    # The hash at the end of generated names, and of what refers to them.
    text = re.sub(
        r"^(\s*name: (?:collector|tempo|prometheus|prometheus-rules|grafana-\w+|headwater))-[0-9a-z]{10}$", r"\1",
        ran.stdout, flags=re.M,
    )
    theirs = [one for one in yaml.safe_load_all(text) if one]

    def ordered(manifests: list[dict]) -> list[str]:
        return sorted(yaml.safe_dump(one, sort_keys=True) for one in manifests)

    assert ordered(theirs) == ordered(OVERLAYS[name])


@every_overlay
def test_names_that_are_referred_to_exist(name: str) -> None:
    held = {kind: set(of_kind(name, kind)) for kind in ("ConfigMap", "ServiceAccount", "Service")}
    files = {one: set(manifest["data"]) for one, manifest in of_kind(name, "ConfigMap").items()}
    for workload in workloads(name).values():
        pod = workload["spec"]["template"]["spec"]
        assert pod.get("serviceAccountName", "default") in held["ServiceAccount"] | {"default"}
        assert workload["spec"].get("serviceName") in held["Service"] | {None}
        volumes = {one["name"]: one for one in pod.get("volumes", [])}
        claims = {one["metadata"]["name"] for one in workload["spec"].get("volumeClaimTemplates", [])}
        for volume in volumes.values():
            sources = volume.get("projected", {}).get("sources", [volume])
            for source in sources:
                if "configMap" in source:
                    assert source["configMap"]["name"] in held["ConfigMap"], volume
                    for item in source["configMap"].get("items", []):
                        assert item["key"] in files[source["configMap"]["name"]], item
        for container in containers(workload):
            for mount in container.get("volumeMounts", []):
                assert mount["name"] in set(volumes) | claims, mount
            for source in container.get("envFrom", []):
                assert source["configMapRef"]["name"] in held["ConfigMap"]
            ports = {one["name"] for one in container["ports"]}
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                if probe in container:
                    assert container[probe]["httpGet"]["port"] in ports, f"{workload['metadata']['name']} {probe}"


@every_overlay
def test_services_select_pods_and_ports_that_exist(name: str) -> None:
    pods = {one["metadata"]["name"]: one["spec"]["template"] for one in workloads(name).values()}
    for service in of_kind(name, "Service").values():
        selector = service["spec"]["selector"].items()
        [pod] = [one for one in pods.values() if selector <= one["metadata"]["labels"].items()]
        ports = {port["name"] for container in pod["spec"]["containers"] for port in container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    for policy in of_kind(name, "NetworkPolicy", "PodDisruptionBudget").values():
        chosen = policy["spec"].get("podSelector") or policy["spec"].get("selector")
        assert [one for one in pods.values() if chosen["matchLabels"].items() <= one["metadata"]["labels"].items()]
    for workload in workloads(name).values():
        wanted = workload["spec"]["selector"]["matchLabels"].items()
        assert wanted <= workload["spec"]["template"]["metadata"]["labels"].items()


@every_overlay
def test_pods_run_without_root_and_cannot_write_their_image(name: str) -> None:
    """The restricted profile of the Pod Security Standards, which the namespaces enforce."""
    for workload in workloads(name).values():
        pod = workload["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True and pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in containers(workload):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False and context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["requests"]["cpu"] and container["resources"]["limits"]["memory"]
            assert "cpu" not in container["resources"]["limits"], "throttling is lag for every stream"
        # A token of the cluster only for those that ask it something.
        needs = workload["metadata"]["name"] == "prometheus"
        assert (pod.get("automountServiceAccountToken", True)) == needs


@every_overlay
def test_images_have_versions(name: str) -> None:
    for workload in workloads(name).values():
        for container in containers(workload):
            assert re.search(r":v?\d+(\.\d+)+$", container["image"]), container["image"]


@every_overlay
def test_termination_waits_for_the_drain(name: str) -> None:
    pod = workloads(name)["headwater"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    settings = of_kind(name, "ConfigMap")["headwater"]["data"]
    before = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = int(settings["HEADWATER_DRAIN_WINDOW"])
    assert pod["terminationGracePeriodSeconds"] >= before + drain + 5
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"


@every_overlay
def test_settings_exist(name: str) -> None:
    known = set(re.findall(r"`(HEADWATER_[A-Z_]+)`", (ROOT / "docs/configuration.md").read_text(encoding="utf-8")))
    assert set(of_kind(name, "ConfigMap")["headwater"]["data"]) <= known


def test_production_scales_by_streams_and_dev_does_not() -> None:
    assert not of_kind("dev", "HorizontalPodAutoscaler")
    assert workloads("dev")["headwater"]["spec"]["replicas"] == 1
    scaler = of_kind("production", "HorizontalPodAutoscaler")["headwater"]["spec"]
    assert scaler["minReplicas"] >= 3
    assert "replicas" not in workloads("production")["headwater"]["spec"], "it would fight the autoscaler"
    [metric] = scaler["metrics"]
    assert metric["pods"]["metric"]["name"] == "sse_streams_active"
    [rule] = document(ROOT / "k8s/examples/prometheus-adapter.yaml")["rules"]["custom"]
    assert rule["name"]["as"] == "sse_streams_active"
    # The adapter needs the labels that the scrape adds.
    [job] = [one for one in _scrapes() if one["job_name"] == "headwater"]
    assert {"namespace", "pod"} <= {one.get("target_label") for one in job["relabel_configs"]}


def _scrapes() -> list[dict]:
    return document(ROOT / "k8s/components/observability/prometheus.yml")["scrape_configs"]


@pytest.mark.parametrize("path", INGRESSES, ids=lambda path: path.stem)
def test_ingress_leads_to_the_service_and_outlives_heartbeats(path) -> None:
    [ingress] = documents(path)
    service = of_kind("production", "Service")["headwater"]
    [rule] = ingress["spec"]["rules"]
    [way] = rule["http"]["paths"]
    backend = way["backend"]["service"]
    assert backend["name"] == "headwater"
    assert backend["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}
    annotations = ingress["metadata"]["annotations"]
    timers = [value for key, value in annotations.items() if key.endswith(("proxy-read-timeout", "timeout-server"))]
    heartbeat = int(of_kind("production", "ConfigMap")["headwater"]["data"]["HEADWATER_HEARTBEAT"])
    assert [int(value.rstrip("s")) >= 2 * heartbeat for value in timers] == [True]
