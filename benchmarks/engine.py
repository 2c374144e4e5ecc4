"""How fast the executions are, without a server, beside what others would write and what the machine can give, one thread each.

    python benchmarks/engine.py [--device cpu|cuda] [--sizes 1x512 2x512] [--rows 1 16 64] [--instructions avx2 portable]
                                [--quick] [--json] [--plot FILE.png]

Decode: microseconds that one step takes (one more character for every row), and characters a second.
Prefill: characters a second of one text that is read and not continued.
Ceiling: the time that the slower of both ceilings (ceiling.py) needs for the same steps, as a share of what was taken.
"""

# torch leaves many of its members without a type:
# pyright: reportUnknownMemberType=false

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import picture
import torch
from ceiling import Ceiling
from contest import Seconds, hold
from contestants import (
    CALLS,
    DECODE_STEPS,
    INT8_CEILING,
    MEMORY_CEILING,
    NATIVE,
    ONNX,
    PLAIN,
    PREFILL_CHARACTERS,
    REFERENCE,
    WHOLE,
    Field,
    has_onnxruntime,
)
from random_model import Size
from table import show

SIZES, ROWS = (Size(1, 512), Size(2, 512), Size(1, 1024), Size(2, 1024)), (1, 4, 16, 64, 256)
QUICK_SIZES, QUICK_ROWS = (Size(1, 512), Size(2, 1024)), (1, 16, 64)
MOST_ROUNDS, SECONDS = 101, 4.0
"""Of one table's worth of contestants; at least 3 rounds however long they take."""
QUICK_ROUNDS, QUICK_SECONDS = 11, 0.5
FIGURE_SIZE, CEILING_ROWS = Size(1, 512), 64


class Measurement(NamedTuple):
    """What one contestant did: `characters_per_second` over all rows; how many times as fast as others (above 1: faster)."""

    size: str
    task: str
    rows: int
    contestant: str
    microseconds_per_step: float
    characters_per_second: float
    vs_nn_rnn: float
    vs_onnxruntime: float | None  # in float32, the network as it was trained, at its fastest
    vs_onnxruntime_int8: float | None  # quantised by onnxruntime itself, at its fastest
    ceiling_share: float | None


def main() -> None:
    """Measure, and print a table or JSON."""
    options = parse()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    found = measure(options)
    if options.json:
        print(json.dumps(report(found, options.device), indent=2))
    else:
        present(found, options.device)
    if options.plot:
        plot(found, options.plot)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="what runs the plain loop and the reference")
    parser.add_argument("--sizes", type=Size.parse, nargs="+", metavar="LxN")
    parser.add_argument("--rows", type=int, nargs="+", metavar="N", help="batch sizes")
    parser.add_argument("--instructions", nargs="+", default=[], metavar="SET", help="to force beside the best: avx2, portable")
    parser.add_argument("--quick", action="store_true", help="two sizes and three batch sizes unless said, fewer rounds")
    parser.add_argument("--json", action="store_true", help="print JSON, with the map `figures`")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw a picture")
    options = parser.parse_args()
    options.sizes = options.sizes or (QUICK_SIZES if options.quick else SIZES)
    options.rows = options.rows or (QUICK_ROWS if options.quick else ROWS)
    if options.plot:
        picture.check_installed()
    return options


def measure(options: argparse.Namespace) -> list[Measurement]:
    """For each size, decode at each number of rows, then prefill."""
    limits = (QUICK_ROUNDS, QUICK_SECONDS) if options.quick else (MOST_ROUNDS, SECONDS)
    ceiling = Ceiling() if options.device == "cpu" else None
    found: list[Measurement] = []
    for size in options.sizes:
        field = Field(size, options.device, options.instructions, ceiling)
        for rows in options.rows:
            seconds = hold(field.decoders(rows), *limits)
            found += compare(seconds, PLAIN, size, "decode", rows, DECODE_STEPS)
        seconds = hold(field.prefillers(), *limits)
        found += compare(seconds, WHOLE, size, "prefill", 1, PREFILL_CHARACTERS)
    return found


def compare(seconds: Mapping[str, Seconds], yardstick: str, size: Size, task: str, rows: int, steps: int) -> list[Measurement]:
    """A measurement for each contestant, beside the others."""
    onnx, onnx_int8 = (fastest(seconds, f"{ONNX} {kind}") for kind in ("float32", "int8"))
    ceiling = seconds[INT8_CEILING].or_slower(seconds[MEMORY_CEILING]) if INT8_CEILING in seconds else None
    return [
        Measurement(
            str(size),
            task,
            rows,
            contestant,
            1e6 * taken.median / steps,
            rows * steps / taken.median,
            seconds[yardstick].ratio_to(taken),
            onnx.ratio_to(taken) if onnx else None,
            onnx_int8.ratio_to(taken) if onnx_int8 else None,
            ceiling.ratio_to(taken) if ceiling else None,
        )
        for contestant, taken in seconds.items()
    ]


def fastest(seconds: Mapping[str, Seconds], prefix: str) -> Seconds | None:
    """The one of those whose names begin so; None if none does."""
    return min((one for name, one in seconds.items() if name.startswith(prefix)), key=lambda one: one.median, default=None)


def report(found: Sequence[Measurement], device: str) -> dict[str, object]:
    """What a program reads."""
    machine = {"device": device, "torch": torch.__version__, "threads": torch.get_num_threads()}
    return {"machine": machine, "measurements": [one._asdict() for one in found], "figures": figures(found)}


def figures(found: Sequence[Measurement]) -> dict[str, float]:
    """The ratios of what serves: native where it is built. The reference's own, to the plain loop, begin with its name.

    Those of other sizes than 1x512 end with the size.
    """
    serving = NATIVE if any(one.contestant.startswith(NATIVE) for one in found) else REFERENCE
    named = {name: value for one in found for name, value in of_execution(one, serving).items()}
    plain = [one._replace(vs_onnxruntime=None, vs_onnxruntime_int8=None, ceiling_share=None) for one in found]
    return named | {f"{REFERENCE}_{name}": value for one in plain for name, value in of_execution(one, REFERENCE).items()}


def of_execution(one: Measurement, execution: str) -> dict[str, float]:
    """The figures in a measurement, if it is of the execution."""
    suffix = "" if one.size == str(FIGURE_SIZE) else f"_{one.size}"
    named: dict[str, float | None] = {}
    if one.contestant == f"{execution}, {max(CALLS)} a call":
        named[f"decode_vs_nn_rnn_{one.rows}{suffix}"] = one.vs_nn_rnn
        named[f"decode_vs_onnxruntime_{one.rows}{suffix}"] = one.vs_onnxruntime
        named[f"decode_vs_onnxruntime_int8_{one.rows}{suffix}"] = one.vs_onnxruntime_int8
        if one.rows == CEILING_ROWS:
            named[f"ceiling_share_{one.size}"] = one.ceiling_share
    elif one.contestant == f"{execution}, one run":
        named[f"prefill_characters_per_second{suffix}"] = one.characters_per_second
        named[f"prefill_vs_nn_rnn{suffix}"] = one.vs_nn_rnn
    return {name: value for name, value in named.items() if value is not None}


def present(found: Sequence[Measurement], device: str) -> None:
    """What a person reads."""
    print(f"torch {torch.__version__} on {device}, one thread; contestants take turns, medians over the rounds.")
    print(f"decode: {DECODE_STEPS} steps at temperature 0.8; prefill: {PREFILL_CHARACTERS} characters, one row.")
    if device == "cpu" and not has_onnxruntime():
        print("Without onnxruntime: `make bench-setup` installs it.")
    head = ["what", "rows", "by", "us a step", "characters/s", "vs nn.RNN", "vs onnxruntime", "in int8", "of ceiling"]
    lines = [[f"{one.task} {one.size}", *one[2:]] for one in found]
    show("Times as fast as others, and share of the machine's ceiling", head, lines)
    show("Figures", ["figure", "value"], [[name, value] for name, value in figures(found).items()])


def plot(found: Sequence[Measurement], path: Path) -> None:
    """Time a step over the rows, a panel a size, and the shares of the ceiling."""
    decoded = [one for one in found if one.task == "decode"]
    sizes = list(dict.fromkeys(one.size for one in decoded))
    panels = [time_panel(size, [one for one in decoded if one.size == size]) for size in sizes]
    shares = {
        f"{NATIVE} {size}": [
            (one.rows, one.ceiling_share)
            for one in decoded
            if one.size == size and one.contestant == f"{NATIVE}, {max(CALLS)} a call" and one.ceiling_share is not None
        ]
        for size in sizes
    }
    if all(shares.values()):
        panels.append(picture.Panel("Share of the ceiling", "rows", "share", shares, is_linear=True))
    picture.draw("One step of decoding, one thread", panels, path)


def time_panel(size: str, found: Sequence[Measurement]) -> picture.Panel:
    """Microseconds a step of every contestant that does as many steps a call as it can."""
    names = [name for name in dict.fromkeys(one.contestant for one in found) if not name.endswith(f", {min(CALLS)} a call")]
    lines = {name: [(one.rows, one.microseconds_per_step) for one in found if one.contestant == name] for name in names}
    return picture.Panel(size, "rows", "microseconds a step", lines, dashed=(INT8_CEILING, MEMORY_CEILING))


if __name__ == "__main__":
    main()
