"""Generates the committed stubs in client/elman/v1 from the proto, or (`--check`) tells whether they are stale.

The generator is the oldest grpcio-tools supported: stubs run under their own or a newer grpcio, never under an older one.
"""

import argparse
import filecmp
import sys
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any, cast

from grpc_tools import protoc

PROTO = Path(__file__).parent
STUBS = PROTO.parent / "client" / "elman" / "v1"
SOURCE = "elman/v1/completion_service.proto"


def main() -> int:
    """Write the stubs, or compare them with freshly made ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the committed stubs are stale")
    if not parser.parse_args().check:
        generate(STUBS.parent.parent)
        return 0
    stale = stale_stubs()
    for name in stale:
        print(f"stale: client/elman/v1/{name}; run `make stubs`", file=sys.stderr)
    return 1 if stale else 0


def stale_stubs() -> list[str]:
    """The names of the stubs that differ from what the proto generates now."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = generate(Path(folder))
        names = sorted(path.name for path in fresh.iterdir())
        _, different, missing = filecmp.cmpfiles(fresh, STUBS, names, shallow=False)
        return different + missing


def generate(root: Path) -> Path:
    """Generate the stubs under `root`; returns the folder that holds them."""
    outputs = ["python_out", "pyi_out", "grpc_python_out", "mypy_grpc_out"]
    well_known = resources.files("grpc_tools") / "_proto"
    arguments = ["protoc", f"--proto_path={PROTO}", f"--proto_path={well_known}"]
    scripts = Path(sys.executable).parent
    plugin = [f"--plugin=protoc-gen-mypy_grpc={scripts / 'protoc-gen-mypy_grpc'}"]
    status = cast("Any", protoc).main([*arguments, *plugin, *(f"--{output}={root}" for output in outputs), SOURCE])
    if status != 0:
        raise SystemExit(f"protoc failed with status {status}")
    return root / "elman" / "v1"


if __name__ == "__main__":
    sys.exit(main())
