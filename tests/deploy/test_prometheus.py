"""A real Prometheus scrapes a real server: its rules say what they should, and every panel of the dashboard shows something."""

import json
import math
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml
from tests.deploy.replicas import free_port, until

from elman import Client, MendRequest
from elman_models.law.artifact import Model, save

VARIABLES = {"$__rate_interval": "1m", "$namespace": ".*", "$instance": ".*"}
"""What Grafana puts in place of the dashboard's variables."""


class Prometheus:
    """A running Prometheus, asked over HTTP."""

    def __init__(self, port: int) -> None:
        self._root = f"http://127.0.0.1:{port}/api/v1"

    def ask(self, path: str, **parameters: str) -> Any:
        """The data of an answer; None while there is none."""
        try:
            with urlopen(f"{self._root}/{path}?{urlencode(parameters)}", timeout=10) as answer:
                return json.load(answer)["data"]
        except URLError:
            return None

    def values(self, expression: str) -> list[float]:
        """The value of each series that an expression gives."""
        data = self.ask("query", query=expression)
        return [float(one["value"][1]) for one in data["result"]] if data else []


class Watched(NamedTuple):
    """A server, and who scrapes it."""

    address: str
    prometheus: Prometheus


def debian(name: str) -> str:
    """The path of a program of Debian's package `prometheus`."""
    return shutil.which(name) or pytest.skip(f"{name} is not installed: `apt-get install prometheus` brings it")


@pytest.fixture(scope="module")
def rules(repository: Path) -> dict[str, Any]:
    """The rules as Prometheus itself reads them."""
    return yaml.safe_load((repository / "deploy/components/metrics/prometheus_rule.yaml").read_text())["spec"]


@pytest.fixture(scope="module")
def dashboard(repository: Path) -> dict[str, Any]:
    return json.loads((repository / "deploy/components/metrics/dashboard.json").read_text())


@pytest.fixture(scope="module")
def watched(model: Model, rules: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A server that a Prometheus scrapes every second, with the rules of the manifests."""
    program, folder = debian("prometheus"), tmp_path_factory.mktemp("prometheus")
    save(model, folder / "small.safetensors")
    serve = [sys.executable, "-m", "elman", "serve", "--model", f"small={folder}/small.safetensors"]
    serve += ["--port", "0", "--metrics-port", "0", "--drain-notice-seconds", "0"]
    with subprocess.Popen(serve, stderr=subprocess.PIPE) as server:
        assert server.stderr is not None
        serving = json.loads(server.stderr.readline())
        command = [program, *prometheus_flags(folder, serving["metrics_port"], rules, port := free_port())]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as prometheus:
            yield Watched(f"127.0.0.1:{serving['port']}", Prometheus(port))
            prometheus.terminate()
        server.terminate()
        server.stderr.read()


def prometheus_flags(folder: Path, metrics_port: int, rules: dict[str, Any], port: int) -> list[str]:
    """Its configuration in a folder, and the flags that name it."""
    target = {"targets": [f"127.0.0.1:{metrics_port}"], "labels": {"namespace": "here"}}
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "elman", "static_configs": [target]}],
    }
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
    return [
        f"--config.file={folder}/prometheus.yaml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]


@pytest.fixture(scope="module")
def busy(watched: Watched) -> Prometheus:
    """The Prometheus, after calls of each kind between two scrapes."""
    with Client(watched.address) as client:
        until(lambda: watched.prometheus.values("elman_build_info"))
        for _ in range(3):
            asked(client)
            before = watched.prometheus.values("process_cpu_seconds_total")
            until(lambda before=before: watched.prometheus.values("process_cpu_seconds_total") != before)
    return watched.prometheus


def asked(client: Client) -> None:
    """A call of each kind, and one that is refused."""
    client.complete("a bad cab", max_characters=50).read()
    client.score("a bad cab")
    client.models()
    with pytest.raises(MendRequest):
        client.complete("a", max_characters=0).read()
    with client.document("a bad ") as document:
        document.insert("c")
        assert list(document.suggestions(timeout=60))


def expressions(dashboard: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The title of a panel, and each expression of it as Prometheus gets it."""
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            expression = target["expr"]
            for variable, value in VARIABLES.items():
                expression = expression.replace(variable, value)
            assert "$" not in expression
            yield panel["title"], expression


def test_every_expression_of_the_dashboard_returns_data(busy: Prometheus, dashboard: dict[str, Any]) -> None:
    asked = list(expressions(dashboard))
    assert len(asked) > len(dashboard["panels"]) > 12

    def empty() -> list[tuple[str, str]]:
        return [(title, each) for title, each in asked if not any(map(math.isfinite, busy.values(each)))]

    until(lambda: not empty())


def test_every_rule_is_read_and_evaluated(busy: Prometheus, rules: dict[str, Any]) -> None:
    names = {rule.get("record") or rule["alert"] for group in rules["groups"] for rule in group["rules"]}

    def evaluated() -> list[dict[str, Any]]:
        told: dict[str, list[dict[str, Any]]] = busy.ask("rules") or {"groups": []}
        groups = told["groups"]
        return [rule for group in groups for rule in group["rules"] if rule["health"] == "ok"]

    until(lambda: {rule["name"] for rule in evaluated()} == names)
    for group in rules["groups"]:
        for rule in group["rules"]:
            if "record" in rule:
                until(lambda name=rule["record"]: busy.values(name))
    assert [rule["name"] for rule in evaluated() if rule.get("state") == "firing"] == []


def test_every_metric_that_is_named_is_scraped_and_every_one_of_ours_is_described(
    busy: Prometheus, dashboard: dict[str, Any], rules: dict[str, Any], repository: Path
) -> None:
    """An expression over several metrics may return data although one of them is misspelt."""
    scraped = {one["__name__"] for one in busy.ask("series", **{"match[]": '{job="elman"}'})}
    assert metrics_in(json.dumps([dashboard, rules])) - scraped == set()
    families = {re.sub("_(bucket|count|sum)$", "", name) for name in scraped}
    described = metrics_in((repository / "deploy/README.md").read_text())
    assert described - families == set()
    assert {name for name in families if name.startswith("elman_")} - described == set()


def metrics_in(text: str) -> set[str]:
    """The metrics that a text names."""
    return set(re.findall(r"\b(?:elman|process|python)_[a-z_]+\b", text))


def test_the_alerts_fire_when_they_should_and_no_sooner(rules: dict[str, Any], tmp_path: Path) -> None:
    shutil.copy(Path(__file__).with_name("rules_test.yaml"), tmp_path)
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rules))
    for command in (["check", "rules", "rules.yaml"], ["test", "rules", "rules_test.yaml"]):
        done = subprocess.run([debian("promtool"), *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_story_is_told_for_each_alert_and_each_record(rules: dict[str, Any]) -> None:
    stories = Path(__file__).with_name("rules_test.yaml").read_text()
    for group in rules["groups"]:
        for rule in group["rules"]:
            assert stories.count(rule.get("record") or rule["alert"]) >= 2
