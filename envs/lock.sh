#!/usr/bin/env bash
# Resolve requirements.in in a fresh environment and write its packages into requirements.lock and environment.yaml.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
../.venv/bin/python -m venv "$fresh"
"$fresh/bin/python" -m pip install --disable-pip-version-check --quiet --requirement requirements.in

# Left out: local builds' versions (2.13.0+cpu is PyPI's 2.13.0), and the CUDA packages that torch brings where there is
# such a build and pins itself.
pins=$("$fresh/bin/python" -m pip freeze --all | sed 's/+[a-z0-9.]*$//' | grep -v -E '^(pip==|nvidia-|cuda-|triton==)')

cat > requirements.lock <<END
# Every package of the environment, exact; made from requirements.in by \`make lock\`, not by hand.
# Where PyPI's torch is a CUDA build, torch itself pins the CUDA packages that it brings.
$pins
END

cat > environment.yaml <<END
# The environment for \`--sdm conda\`: the pins of requirements.lock; made by \`make lock\`, not by hand.
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.11
  - pip
  - pip:
$(sed 's/^/      - /' <<< "$pins")
END
