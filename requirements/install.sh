#!/usr/bin/env bash
# Find an interpreter that can run install.py; `make env` calls this.
#   requirements/install.sh env|dev|operators VENV
# Environment: PYTHON, TORCH_SPEC, TORCH_INDEX, CPU_ONLY, PIP_ARGS
# (docs/install.md).
set -euo pipefail

python=${PYTHON:-python3}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
fail() { printf 'make %s: %s\n' "$goal" "$*" >&2; exit 1; }

goal=${1:-env}
command -v "$python" >/dev/null \
    || fail "there is no '$python': name a Python 3.10 to 3.12 with" \
            "PYTHON=/path/to/python3."
"$python" -c 'import sys
sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' \
    || fail "mmmultas runs on Python 3.10 to 3.12, but $python is" \
            "$("$python" -V 2>&1): name another with PYTHON=/path/to/python3."
exec "$python" -B "$here/install.py" "$@"
