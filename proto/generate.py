"""Generates what is committed from the proto, or (`--check`) tells what of it is stale: the stubs in client/elman/v1, and the
descriptor that Envoy transcodes JSON by.

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
DESCRIPTOR = PROTO.parent / "deploy" / "components" / "envoy" / "elman.v1.binpb"
SOURCE = "elman/v1/completion_service.proto"


def main() -> int:
    """Write it, or compare it with what is freshly made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if what is committed is stale")
    if not parser.parse_args().check:
        generate(STUBS.parent.parent)
        describe(DESCRIPTOR)
        return 0
    stale = [f"client/elman/v1/{name}" for name in stale_stubs()]
    if is_descriptor_stale():
        stale.append(str(DESCRIPTOR.relative_to(PROTO.parent)))
    for name in stale:
        print(f"stale: {name}; run `make stubs`", file=sys.stderr)
    return 1 if stale else 0


def stale_stubs() -> list[str]:
    """The names of the stubs that differ from what the proto generates now."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = generate(Path(folder))
        names = sorted(path.name for path in fresh.iterdir())
        _, different, missing = filecmp.cmpfiles(fresh, STUBS, names, shallow=False)
        return different + missing


def is_descriptor_stale() -> bool:
    """Whether the descriptor differs from what the proto describes now."""
    with tempfile.TemporaryDirectory() as folder:
        describe(fresh := Path(folder) / DESCRIPTOR.name)
        return not filecmp.cmp(fresh, DESCRIPTOR, shallow=False)


def generate(root: Path) -> Path:
    """Generate the stubs under `root`; returns the folder that holds them."""
    outputs = ["python_out", "pyi_out", "grpc_python_out", "mypy_grpc_out"]
    scripts = Path(sys.executable).parent
    plugin = f"--plugin=protoc-gen-mypy_grpc={scripts / 'protoc-gen-mypy_grpc'}"
    compile_with(plugin, *(f"--{output}={root}" for output in outputs))
    return root / "elman" / "v1"


def describe(path: Path) -> None:
    """Write the proto as a FileDescriptorSet."""
    compile_with("--include_imports", f"--descriptor_set_out={path}")


def compile_with(*arguments: str) -> None:
    """Run protoc on the proto."""
    well_known = resources.files("grpc_tools") / "_proto"
    command = ["protoc", f"--proto_path={PROTO}", f"--proto_path={well_known}", *arguments, SOURCE]
    status = cast("Any", protoc).main(command)
    if status != 0:
        raise SystemExit(f"protoc failed with status {status}")


if __name__ == "__main__":
    sys.exit(main())
