#!/usr/bin/env bash
# The native execution's tests with the extension built under a sanitizer: tests/sanitize.sh SANITIZERS RUNTIME
set -euo pipefail
cd "$(dirname "$0")/.."
sanitizers=$1 runtime=$2
target=build/sanitize/$sanitizers
rm -rf "$target"
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --target "$target" \
  --config-settings=build-dir="build/sanitize/work-$sanitizers" --config-settings=cmake.define.ELMAN_SANITIZE="$sanitizers" .
# Without `site` (-S), so that the editable install does not come first. The interpreter itself is not instrumented and keeps what
# it allocates to its end: leaks are not looked for, and threads only of our own code.
packages=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
LD_PRELOAD="$(gcc -print-file-name="$runtime") $(gcc -print-file-name=libstdc++.so.6)" PYTHONPATH=$target:$packages PYTHONMALLOC=malloc \
  ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 TSAN_OPTIONS=halt_on_error=1:report_signal_unsafe=0 UBSAN_OPTIONS=print_stacktrace=1 \
  .venv/bin/python -S -m pytest tests/laws/test_executions.py tests/models/law/test_recall.py -q --capture=sys -p no:cacheprovider --timeout 1200 --random-steps 5000 \
  -k "not memory and not another_python"
