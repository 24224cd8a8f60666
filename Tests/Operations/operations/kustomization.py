# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Builds kustomizations as far as ours go, so that manifests can be judged where no kustomize is installed.

It knows resources, components, namespace, labels, images, configMapGenerator and JSON patches and deletions. It gives
generated ConfigMaps no hash in their names. An unknown field is an error: what kustomize would do and this does not
must not pass unseen. Where kubectl is installed, a test compares the two.
"""

import copy
from pathlib import Path
from typing import Any, Iterator

import yaml

from .tree import documents

Manifest = dict[str, Any]

_KNOWN = {"resources", "components", "namespace", "labels", "images", "configMapGenerator", "patches"}
# Kinds of ours that belong to no namespace.
_CLUSTER_WIDE = {"Namespace"}


def build(folder: Path) -> list[Manifest]:
    """The manifests of a kustomization and all it is made of."""
    return _applied(folder, [])


def _applied(folder: Path, given: list[Manifest]) -> list[Manifest]:
    """`given` are those of the kustomization that this one is a component of."""
    [one] = documents(folder / "kustomization.yaml")
    unknown = set(one) - _KNOWN - {"apiVersion", "kind"}
    assert not unknown, f"{folder}: kustomization fields not known here: {', '.join(sorted(unknown))}"
    found = list(given)
    for name in one.get("resources", []):
        path = (folder / name).resolve()
        found += _applied(path, []) if path.is_dir() else copy.deepcopy(documents(path))
    for generator in one.get("configMapGenerator", []):
        found.append(_config_map(folder, generator))
    for name in one.get("components", []):
        found = _applied((folder / name).resolve(), found)
    for patch in one.get("patches", []):
        found = _patched(folder, patch, found)
    for manifest in found:
        _decorate(one, manifest)
    return found


def _config_map(folder: Path, generator: dict[str, Any]) -> Manifest:
    held: dict[str, str] = {}
    for name in generator.get("files", []):
        path = (folder / name).resolve()
        assert folder.resolve() in path.parents, f"{name} is above {folder}: kustomize would refuse it"
        held[path.name] = path.read_text(encoding="utf-8")
    for name in generator.get("envs", []):
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                key, _, value = line.partition("=")
                held[key] = value
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": held}


def _patched(folder: Path, patch: dict[str, Any], found: list[Manifest]) -> list[Manifest]:
    if "path" in patch:
        [change] = documents(folder / patch["path"])
        assert change.get("$patch") == "delete", f"{patch['path']}: only deletions are known here"
        kept = [one for one in found if (one["kind"], one["metadata"]["name"]) != _identity(change)]
        assert len(kept) == len(found) - 1, f"{patch['path']} deletes {len(found) - len(kept)} manifests"
        return kept
    wanted = (patch["target"]["kind"], patch["target"]["name"])
    [target] = [one for one in found if _identity(one) == wanted]
    for operation in yaml.safe_load(patch["patch"]):
        _operate(target, operation)
    return found


def _identity(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def _operate(target: Any, operation: dict[str, Any]) -> None:
    """One operation of RFC 6902: add and replace, to members that are there or, for add, are not."""
    *way, last = operation["path"].strip("/").split("/")
    for step in way:
        target = target[int(step)] if isinstance(target, list) else target[step]
    assert operation["op"] in ("add", "replace"), operation
    assert (last in target) == (operation["op"] == "replace"), f"{operation['op']} of {operation['path']}"
    target[last] = operation["value"]


def _decorate(one: dict[str, Any], manifest: Manifest) -> None:
    if "namespace" in one:
        if manifest["kind"] in _CLUSTER_WIDE:
            manifest["metadata"]["name"] = one["namespace"]
        else:
            manifest["metadata"]["namespace"] = one["namespace"]
        for subject in manifest.get("subjects", []):
            subject["namespace"] = one["namespace"]
    for label in one.get("labels", []):
        assert set(label) == {"pairs"}, label
        manifest["metadata"].setdefault("labels", {}).update(label["pairs"])
    for image in one.get("images", []):
        for container in containers(manifest):
            name, _, tag = container["image"].partition(":")
            if name == image["name"]:
                container["image"] = f"{image.get('newName', name)}:{image.get('newTag', tag)}"


def containers(manifest: Manifest) -> Iterator[dict[str, Any]]:
    """The containers of a workload, those that initialise included."""
    pod = manifest.get("spec", {}).get("template", {}).get("spec", {})
    yield from pod.get("initContainers", [])
    yield from pod.get("containers", [])
