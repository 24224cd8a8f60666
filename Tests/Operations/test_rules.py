# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Prometheus' configuration, rules and rule tests, by Debian's promtool, and what promtool does not ask."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from operations.tree import DASHBOARDS, PAGES, ROOT, RULES, code_blocks, dashboard, document, panels, rules

RULE_TESTS = sorted((ROOT / "prometheus/tests").glob("*.test.yml"))
ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}


def promtool(*arguments: object) -> str:
    """Runs promtool in the repository; its output, and a failure with it if it fails."""
    program = shutil.which("promtool")
    assert program, "promtool is not installed: apt-get install prometheus"
    ran = subprocess.run([program, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def test_configuration_is_valid() -> None:
    assert "2 rule files found" in promtool("check", "config", "prometheus/prometheus.yml")


def test_configuration_for_kubernetes_is_valid(tmp_path: Path) -> None:
    """Debian's Prometheus is built without discovery in Kubernetes, so that part is taken out first."""
    config = document(ROOT / "k8s/components/observability/prometheus.yml")
    for job in config["scrape_configs"]:
        if job.pop("kubernetes_sd_configs", None):
            job["static_configs"] = [{"targets": ["127.0.0.1:9464"]}]
    (tmp_path / "rules").symlink_to(ROOT / "prometheus/rules")
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    promtool("check", "config", tmp_path / "prometheus.yml")


def test_configurations_differ_in_discovery_alone() -> None:
    plain = document(ROOT / "prometheus/prometheus.yml")
    kubernetes = document(ROOT / "k8s/components/observability/prometheus.yml")
    for config in (plain, kubernetes):
        for job in config["scrape_configs"]:
            for key in [key for key in job if key.endswith("sd_configs") or key == "relabel_configs"]:
                del job[key]
    assert plain == kubernetes


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_rules_are_valid(path: Path) -> None:
    promtool("check", "rules", path)


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_rule_tests_pass(path: Path) -> None:
    promtool("test", "rules", path)


def test_queries_of_dashboards_and_pages_are_promql(tmp_path: Path) -> None:
    """promtool has no check of a single expression in this version, so each becomes a recording rule."""
    exprs = [
        target["expr"].replace("$__rate_interval", "1m").replace("$__range", "1h")
        for path in DASHBOARDS
        for panel in panels(dashboard(path))
        for target in panel["targets"]
        if "expr" in target
    ]
    exprs += [block for path in PAGES for block in code_blocks(path, "promql")]
    assert len(exprs) > 100
    recorded = [{"record": f"checked:{number}", "expr": expr} for number, expr in enumerate(exprs)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "checked", "rules": recorded}]}))
    promtool("check", "rules", tmp_path / "rules.yml")


@pytest.mark.parametrize("name", ALERTS)
def test_alert_has_a_silent_a_firing_and_a_resolved_case(name: str) -> None:
    """Silent before it fires and again after, in one and the same case; and silent in ordinary operation."""
    complete = 0
    for path in RULE_TESTS:
        for case in document(path)["tests"]:
            mine = [one for one in case.get("alert_rule_test", []) if one["alertname"] == name]
            fires = [bool(one.get("exp_alerts")) for one in mine]
            complete += fires[:1] == [False] and True in fires and fires[-1:] == [False]
    assert complete, f"{name} needs a case in prometheus/tests that is silent, then fires, then is silent again"
    [ordinary] = document(ROOT / "prometheus/tests/healthy.test.yml")["tests"]
    assert any(one["alertname"] == name and not one.get("exp_alerts") for one in ordinary["alert_rule_test"]), name


@pytest.mark.parametrize("name", ALERTS)
def test_alert_tells_what_to_do(name: str) -> None:
    alert = ALERTS[name]
    assert name.startswith("Headwater")
    assert alert["labels"]["severity"] in ("page", "ticket")
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    page = ROOT / alert["annotations"]["runbook_url"]
    assert page.parent == ROOT / "docs/runbooks" and page.is_file(), f"{name}: {page} is not there"
    text = page.read_text(encoding="utf-8")
    assert f"`{name}`" in text, f"{page.name} does not say that it is about {name}"
    for heading in ("## What it means", "## Confirm", "## Change"):
        assert heading in text, f"{page.name} has no {heading!r}"
    assert code_blocks(page, "promql"), f"{page.name} has no query to confirm it with"


def test_every_runbook_belongs_to_an_alert_and_is_listed() -> None:
    index = (ROOT / "docs/runbooks/README.md").read_text(encoding="utf-8")
    named = {Path(alert["annotations"]["runbook_url"]).name for alert in ALERTS.values()}
    pages = {path.name for path in (ROOT / "docs/runbooks").glob("*.md")} - {"README.md"}
    assert pages == named
    for name, alert in ALERTS.items():
        row = next((line for line in index.splitlines() if f"`{name}`" in line), "")
        assert Path(alert["annotations"]["runbook_url"]).name in row, f"{name} is not in the index"
        assert alert["labels"]["severity"] in row, f"the index has another severity for {name}"


def test_lag_alerts_burn_in_two_windows_each() -> None:
    """The four pairs of telemetry's design: 14.4 and 6 times page, 3 times and once make a ticket."""
    pages = ALERTS["HeadwaterDeliveryLagBudgetBurnsFast"]
    tickets = ALERTS["HeadwaterDeliveryLagBudgetBurnsSlowly"]
    assert (pages["labels"]["severity"], tickets["labels"]["severity"]) == ("page", "ticket")
    for alert, pairs in (
        (pages, {"1h": "14.4 * 0.001", "5m": "14.4 * 0.001", "6h": "6 * 0.001", "30m": "6 * 0.001"}),
        (tickets, {"1d": "3 * 0.001", "2h": "3 * 0.001", "3d": "0.001", "6h": "0.001"}),
    ):
        found = dict(re.findall(r"late_ratio_rate(\w+) > ([0-9.* ]+[0-9])", alert["expr"]))
        assert found == pairs


def test_recorded_names_say_level_metric_and_operation() -> None:
    for rule in rules():
        if "record" in rule:
            assert re.fullmatch(r"[a-z_]+:(sse|headwater)_[a-z0-9_]+:[a-z0-9_]+", rule["record"]), rule["record"]


def test_idle_alert_names_every_suspected_timeout() -> None:
    """The description tells who has the timer; a value that the origin knows and it does not would be left bare."""
    text = (ROOT / "docs/close-reasons.md").read_text(encoding="utf-8").partition("## Suspected timeouts")[2]
    known = set(re.findall(r"`(\d+|other)`", text))
    description = ALERTS["HeadwaterIdleTimeoutDrops"]["annotations"]["description"]
    described = set(re.findall(r'eq \$timeout "(\w+)"', description))
    assert described == known
