#!/usr/bin/env bash
# Make .venv what requirements.lock says; do nothing if it is already. PYTHON names the interpreter to use.
#
# .venv/complete, written last, holds this folder's path and the lock. So an interrupted set-up, another lock, a moved
# folder (the programs in .venv hold absolute paths) or a vanished interpreter build it again, and a mere touch does not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

wanted() { pwd; cat envs/requirements.lock; }

if wanted | cmp -s - .venv/complete && .venv/bin/python -c '' 2>/dev/null; then
    exit
fi

candidates=(python3.11 python3)
[ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
python=
found=none
for candidate in "${candidates[@]}"; do
    version=$("$candidate" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || continue
    found=$version
    case $version in 3.11.*) python=$candidate && break ;; esac
done
if [ -z "$python" ]; then
    echo "ticketlab needs Python 3.11; found $found: install it or set PYTHON=/path/to/python3.11" >&2
    exit 1
fi

echo "Setting up .venv from envs/requirements.lock (Python $version; minutes, once)"
rm -rf .venv
"$python" -m venv .venv
.venv/bin/python -m pip install --disable-pip-version-check --requirement envs/requirements.lock
wanted > .venv/complete.part
mv .venv/complete.part .venv/complete
