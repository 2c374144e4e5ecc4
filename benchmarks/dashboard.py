"""What an operator sees: the dashboard of the manifests, drawn from a real Prometheus that watches two replicas through a day.

    python benchmarks/dashboard.py PICTURE.png [--seconds 120]

The day: six people type and accept at each replica; in its middle third callers ask for more than both carry, and in its last
sixth the second replica is ended and drains. Each panel of dashboard.json is drawn from its own expressions, in its own place,
as lines, as a stack or as a table; what Grafana adds (hovering, colours, a choice of replicas) is not shown. Needs Debian's
`prometheus` and the dependency group `benchmarks`. Loopback only.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import asdict
from functools import partial
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode
from urllib.request import urlopen

import storm
import yaml
from picture import check_installed
from process import Process, free_port, running

import elman

Series: TypeAlias = list[dict[str, Any]]
Ask: TypeAlias = Callable[..., Series]
"""Parameters of a range query to its series."""

FOLDER: Final = Path(__file__).parent.parent / "deploy/components/metrics"
MODELS: Final = ("prose", "python")
VARIABLES: Final = {"$__rate_interval": "8s", "$namespace": ".*", "$instance": ".*"}
"""What Grafana puts in place of the dashboard's variables; a rate is over four scrapes or more."""
SCRAPE_SECONDS: Final = 2
DRAIN_SECONDS: Final = 10
PEOPLE: Final = 6
PAUSE_SECONDS: Final = 0.25
CALLS_A_SECOND: Final = 3.0, 600.0
"""At each replica: before and after the storm, and in it."""
ROW: Final = 8
"""Every panel is so many of Grafana's rows high, or a multiple."""
TEXT: Final = "import os\n\n\ndef read(path):\n    "
UNITS: Final[dict[str, Callable[[float], str]]] = {
    "s": lambda value: f"{value:g} s" if value >= 1 else f"{value * 1e3:g} ms",
    "bytes": lambda value: f"{value / (1 << 20):.0f} MiB",
    "reqps": lambda value: f"{value:g} req/s",
    "cps": lambda value: f"{value:g} c/s",
    "ops": lambda value: f"{value:g} ops/s",
    "short": lambda value: f"{value:g}",
}
"""Grafana's units that the dashboard uses; a new one is an error here too."""


def main() -> None:
    """Serve, load, watch, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path, help="the PNG to write")
    parser.add_argument("--seconds", type=int, default=120, help="how long the day is, 60 to 600")
    options = parser.parse_args()
    check_installed()
    seconds = min(max(options.seconds, 60), 600)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ended:
        metrics = [free_port(), free_port()]
        servers = [ended.enter_context(serving(port, Path(folder) / f"{port}.log")) for port in metrics]
        ask = ended.enter_context(watching(metrics, Path(folder)))
        started = time.time()
        live(servers, seconds, Path(folder))
        draw(ask, (started, time.time()), options.picture)


def serving(metrics_port: int, log: Path) -> AbstractContextManager[Process]:
    """A replica of both models, on a port of its own and with metrics on that one."""
    flags = [flag for model in MODELS for flag in ("--model", model)]
    flags += ["--port", "{port}", "--metrics-port", str(metrics_port), "--drain-notice-seconds", str(DRAIN_SECONDS)]
    return running(["-m", "elman", "serve", *flags], log)


@contextmanager
def watching(metrics: Sequence[int], folder: Path) -> Generator[Ask]:
    """A Prometheus with the rules of the manifests, to be asked for the series of a query."""
    program = shutil.which("prometheus") or sys.exit("prometheus is not installed: `apt-get install prometheus` brings it")
    rules = yaml.safe_load((FOLDER / "prometheus_rule.yaml").read_text())["spec"]
    interval = f"{SCRAPE_SECONDS}s"
    targets = [{"targets": [f"127.0.0.1:{port}" for port in metrics], "labels": {"namespace": "here"}}]
    configuration = {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "elman", "static_configs": targets}],
    }
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
    here = f"127.0.0.1:{free_port()}"
    files = [f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data"]

    def ask(**parameters: object) -> Series:
        with urlopen(f"http://{here}/api/v1/query_range?{urlencode(parameters)}", timeout=30) as answer:
            return json.load(answer)["data"]["result"]

    with subprocess.Popen([program, *files, f"--web.listen-address={here}"], stderr=subprocess.DEVNULL) as prometheus:
        yield ask
        prometheus.terminate()


def live(servers: Sequence[Process], seconds: int, folder: Path) -> None:
    """The day, from morning to night."""
    is_night = threading.Event()
    people = [
        threading.Thread(target=type_until, args=(server.address, is_night, number))
        for server in servers
        for number in range(PEOPLE)
    ]
    calm, much = CALLS_A_SECOND
    rates = [(seconds / 3, calm), (seconds / 3, much), (seconds / 3, calm)]
    storms: list[subprocess.Popen[bytes]] = []
    for number, server in enumerate(servers):
        task = folder / f"storm{number}.json"
        task.write_text(json.dumps(asdict(storm.Task(server.address, characters=64, rates=rates))))
        storms.append(subprocess.Popen([sys.executable, storm.__file__, task], stdout=subprocess.DEVNULL))
    for person in people:
        person.start()
    time.sleep(seconds * 5 / 6)
    os.kill(servers[1].identifier, signal.SIGTERM)
    time.sleep(seconds / 6)
    is_night.set()
    for person in people:
        person.join()
    for one in storms:
        one.wait()


def type_until(address: str, is_night: threading.Event, number: int) -> None:
    """Type, take what is suggested now and then, and make a mistake in a call sometimes."""
    random = Random(number)
    while not is_night.is_set():
        with (
            suppress(elman.ElmanError),
            elman.Client(address) as client,
            client.document(TEXT, model=MODELS[number % 2]) as document,
        ):
            for letter in "with open(path) as file:\n        return file.read()":
                document.insert(letter)
                shown = [len(str(one)) for one in document.suggestions(timeout=2)]
                if shown and shown[-1] and random.random() < 0.2:
                    document.accept(characters=min(shown[-1], 4))
                if random.random() < 0.02:
                    client.complete("a", max_characters=0, timeout=1).read()
                if is_night.wait(PAUSE_SECONDS * random.uniform(0.5, 1.5)):
                    return


def draw(ask: Ask, times: tuple[float, float], path: Path) -> None:
    """Write a picture of the whole dashboard: 24 columns wide, as Grafana lays it out."""
    pyplot: Any = import_module("matplotlib.pyplot")
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
    figure = pyplot.figure(figsize=(20, height * 0.42))
    grid = figure.add_gridspec(height // ROW, 24, wspace=5, hspace=0.3, left=0.05, right=0.99, top=0.96, bottom=0.01)
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        top, left = place["y"] // ROW, place["x"]
        axis = figure.add_subplot(grid[top : top + place["h"] // ROW, left : left + place["w"]])
        axis.set_title(panel["title"], loc="left", fontsize="medium", fontweight="bold")
        DRAWN[panel["type"]](axis, panel, partial(ask, start=times[0], end=times[1]))
    figure.suptitle(dashboard["title"], y=0.985)
    figure.savefig(path, dpi=80)


def lines(axis: Any, panel: dict[str, Any], ask: Ask) -> None:
    """Each series of each expression, named by its labels."""
    names: list[str] = []
    series: list[dict[float, float]] = []
    for target in panel["targets"]:
        for one in ask(query=expression(target), step=SCRAPE_SECONDS):
            names.append(named(target["legendFormat"], one["metric"]))
            series.append({float(at): float(value) for at, value in one["values"] if value != "NaN"})
    defaults = panel["fieldConfig"]["defaults"]
    moments = sorted({at for one in series for at in one})
    since = [at - moments[0] for at in moments] if moments else []
    if "stacking" in defaults.get("custom", {}):
        axis.stackplot(since, [[one.get(at, 0.0) for at in moments] for one in series], labels=names, alpha=0.6)
    else:
        for name, one in zip(names, series, strict=True):
            axis.plot(since, [one.get(at) for at in moments], label=name)
    in_words = UNITS[defaults["unit"]]

    def tick(value: float, _: int) -> str:
        return in_words(value)

    axis.yaxis.set_major_formatter(tick)
    axis.set_ylim(bottom=defaults["min"])
    axis.grid(alpha=0.3)
    axis.tick_params(labelsize="small")
    if names:
        axis.legend(fontsize="x-small", loc="best", ncols=2 if len(names) > 4 else 1, framealpha=0.6)
    else:
        axis.text(0.5, 0.5, "No data", transform=axis.transAxes, ha="center")


def table(axis: Any, panel: dict[str, Any], ask: Ask) -> None:
    """The labels of each series, as it was last."""
    axis.set_axis_off()
    found = {
        tuple(sorted(one["metric"].items())): None
        for target in panel["targets"]
        for one in ask(query=expression(target), step=SCRAPE_SECONDS)
    }
    heads = list(dict.fromkeys(label for one in found for label, _ in one))
    cells = [[dict(one).get(head, "")[:20] for head in heads] for one in found]
    if cells:
        axis.table(cellText=cells, colLabels=heads, loc="upper center", cellLoc="left")


DRAWN: Final = {"timeseries": lines, "table": table}


def expression(target: dict[str, Any]) -> str:
    """As Prometheus gets it."""
    asked = str(target["expr"])
    for variable, value in VARIABLES.items():
        asked = asked.replace(variable, value)
    return asked


def named(legend: str, labels: dict[str, str]) -> str:
    """A legend with the labels in place of their names."""
    for label, value in labels.items():
        legend = legend.replace(f"{{{{{label}}}}}", value)
    return legend


if __name__ == "__main__":
    main()
