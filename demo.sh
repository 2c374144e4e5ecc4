#!/usr/bin/env bash
# The main job, once: a server on the shipped model, a completion streamed from it to this terminal, and the server stopped.
set -euo pipefail
cd "$(dirname "$0")"

port=$(.venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
prefix=$'ROMEO:\nBut, soft! what light through yonder window breaks?\n'

echo "\$ elman serve --port $port" >&2
.venv/bin/elman serve --port "$port" --metrics-port 0 --drain-notice-seconds 0 --log-level warning &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server"' EXIT

echo "\$ elman complete --server 127.0.0.1:$port --echo --max-characters 400 \"\$prefix\"" >&2
.venv/bin/elman complete --server "127.0.0.1:$port" --timeout 60 --echo --max-characters 400 "$prefix"
