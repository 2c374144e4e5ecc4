#!/usr/bin/env bash
# The main job, once: a server on the shipped models, a completion and ghost text streamed from it to this terminal.
set -euo pipefail
cd "$(dirname "$0")"
export ELMAN_CONFIG='' ELMAN_MODEL='' # the same whatever is configured

port=$(.venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
bold='' plain=''
if [ -t 2 ]; then bold=$'\e[1m' plain=$'\e[0m'; fi
say() { printf '\n\n%s%s%s\n' "$bold" "$*" "$plain" >&2; }
complete() { .venv/bin/elman complete --server "127.0.0.1:$port" --timeout 60 --echo "$@"; }

say "A server, in the background: elman serve --port $port"
.venv/bin/elman serve --port "$port" --metrics-port 0 --drain-notice-seconds 0 --log-level warning &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server"' EXIT

say 'A completion: elman complete --model shakespeare --temperature 0.5 --max-characters 139 --seed 23 "$text"'
text=$'ROMEO:\nBut, soft! what light through yonder window breaks?\n'
complete --model shakespeare --temperature 0.5 --max-characters 139 --seed 23 "$text"

say 'Ghost text, which remembers what stands above: elman complete --model python --temperature 0 --min-confidence 0.2 "$code"'
code='class Account:
    def __init__(self, owner, balance=0):
        self.owner = owner
        self.balance = balance

    def deposit(self, amount):
        if amount < 0:
            raise ValueError("amount must not be negative")
        self.balance += amount

    def withdraw(self, amount):
        if amount > self.balance:
            ra'
complete --model python --temperature 0 --min-confidence 0.2 "$code"

say "Next:"
cat >&2 <<'END'
  .venv/bin/elman type notes.txt                          write, with suggestions after the cursor (Tab accepts)
  .venv/bin/elman complete "It was late"                   continue any text
  .venv/bin/elman train ~/notes -o notes.safetensors       a model of your own text, in minutes (first: make setup)
END
