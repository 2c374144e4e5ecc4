#!/usr/bin/env bash
# Installs what the tests in VS Code need: code-server below build/, and what the extension needs of npm. Wants Node.js 20.
# What code-server pins is partly a git repository, and its installer wants that; registries alone serve as well.
set -euo pipefail
cd "$(dirname "$0")/../.."
export npm_config_fetch_timeout=60000 npm_config_fetch_retry_maxtimeout=10000 # in milliseconds
(cd editors/vscode && npm ci --no-audit --no-fund)
[ ! -e build/code-server ] || exit 0

place=$PWD/build/code-server.part # what was begun is not taken for code-server
server=$place/node_modules/code-server
quiet=(--no-audit --no-fund --ignore-scripts)
headers=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")") # so that none are downloaded
rm -rf "$place"
mkdir -p "$place"
npm install --prefix "$place" "${quiet[@]}" code-server@4.96.4 # the last for Node.js 20 that was tried
(cd "$place/node_modules/argon2" && npx node-pre-gyp rebuild --build-from-source --nodedir="$headers")
cd "$server/lib/vscode"
rm -f npm-shrinkwrap.json
sed -i '/"kerberos": "/d; /windows-/d' package.json # neither is needed here
npm install --omit=dev "${quiet[@]}"
npm rebuild --nodedir="$headers" @vscode/spdlog node-pty native-watchdog @parcel/watcher
mv "$place" "${place%.part}"
