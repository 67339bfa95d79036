#!/usr/bin/env bash
# Make .venv what requirements.lock says; do nothing if it is already. PYTHON names the interpreter to use.
#
# .venv/complete, written last, holds this folder's path and the lock. So an interrupted set-up, another lock, a moved
# folder (the programs in .venv hold absolute paths) or a vanished interpreter build it again, and a mere touch does not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
chosen=${PYTHON:-}
unset "${!PYTHON@}" # a site's PYTHONPATH, PYTHONHOME and the like would lead to other packages

wanted() { pwd; cat envs/requirements.lock; }

if wanted | cmp -s - .venv/complete && .venv/bin/python -c '' 2>/dev/null; then
    exit
fi

candidates=(python3.11 python3.12 python3.13 python3.14 python3)
[ -z "$chosen" ] || candidates=("$chosen")
python=
found=none
for candidate in "${candidates[@]}"; do
    version=$("$candidate" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || continue
    found=$version
    case $version in 3.1[1-4].*) python=$candidate && break ;; esac
done
if [ -z "$python" ] && [ -z "$chosen" ] && command -v uv > /dev/null; then
    python=3.11 version="3.11, by uv"
fi
if [ -z "$python" ]; then
    echo "ticketlab needs Python 3.11 to 3.14; found $found: install one, or uv, or set PYTHON=/path/to/python3" >&2
    exit 1
fi

echo "Setting up .venv from envs/requirements.lock (Python $version; once)"
rm -rf .venv
if command -v uv > /dev/null; then
    uv venv --quiet --no-project --python "$python" .venv
else
    "$python" -m venv .venv
fi
.venv/bin/python -I envs/install.py
wanted > .venv/complete.part
mv .venv/complete.part .venv/complete
