"""Answers the requests on standard input with an engine of its own: the other process of a test.

python replay.py ARTIFACT INSTRUCTIONS THREADS
"""

import json
import sys

from elman.v1 import completion_service_pb2 as pb
from elman_server.embedded import Embedded, open_embedded


def answer(embedded: Embedded, request: pb.CompleteRequest) -> list[str]:
    """Text, reason and state of every alternative."""
    texts, ends = dict[int, str](), dict[int, pb.Finished]()
    for event in embedded.complete(request):
        if event.HasField("piece"):
            texts[event.piece.alternative] = texts.get(event.piece.alternative, "") + event.piece.text
        if event.HasField("finished"):
            ends[event.finished.alternative] = event.finished
    return [f"{texts.get(number, '')!r} {ends[number].reason} {ends[number].state.hex()}" for number in sorted(ends)]


def main(artifact: str, instructions: str, threads: int) -> None:
    """Read requests, write answers."""
    embedded = open_embedded([artifact], "cpu", instructions, threads)
    requests = [pb.CompleteRequest.FromString(bytes.fromhex(line)) for line in json.load(sys.stdin)]
    json.dump([answer(embedded, request) for request in requests], sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
