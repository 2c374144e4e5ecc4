"""What a person feels of elman where they type: all figures in one run. To be run:

    python benchmarks/editors.py [--only lsp nvim shell] [--quick] [--json]

lsp: the protocol alone (language_servers.py); nvim: in a real Neovim (nvim.py); both beside a language server of pygls that
computes nothing (empty_server.py). shell: in real shells (shells.py), beside themselves without the script.

`load` is how many processes wanted a processor on the average of a minute, before and after: beyond the number of processors
less one, times are the neighbours'.
"""

import argparse
import json
import os
from collections.abc import Callable, Mapping

import language_servers
import nvim
import shells
from table import show

QUESTIONS: Mapping[str, Callable[[bool], Mapping[str, float]]] = {
    "lsp": language_servers.measure,
    "nvim": nvim.measure,
    "shell": shells.measure,
}


def main() -> None:
    """Measure, and show what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=tuple(QUESTIONS), default=tuple(QUESTIONS))
    parser.add_argument("--quick", action="store_true", help="a fraction of the work, to see that it runs")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args()
    figures: dict[str, float] = {"load_before": os.getloadavg()[0]}
    for name in arguments.only:
        figures |= QUESTIONS[name](arguments.quick)
    figures["load_after"] = os.getloadavg()[0]
    if arguments.json:
        print(json.dumps({name: round(value, 4) for name, value in figures.items()}, indent=2))
    else:
        show("Editors", ("figure", "value"), list(figures.items()))


if __name__ == "__main__":
    main()
