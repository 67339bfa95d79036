#!/usr/bin/env bash
# Resolve requirements.in in a fresh environment and write its packages into requirements.lock and environment.yaml: first
# what jobs need, then what the tests and their tools add to it (workflow_scripts/preflight/digest.py leaves these out, and so does conda).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

tools="# Tests and their tools"
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

# Left out: local builds' versions (2.13.0+cpu is PyPI's 2.13.0), and the CUDA packages that torch brings where there is
# such a build and pins itself.
installed() {
    "$fresh/bin/python" -m pip install --disable-pip-version-check --quiet --requirement "$1"
    "$fresh/bin/python" -m pip freeze --all | sed 's/+[a-z0-9.]*$//' | grep -v -E '^(pip==|nvidia-|cuda-|triton==)'
}

../.venv/bin/python -m venv "$fresh"
sed "/^$tools/,\$d" requirements.in > "$fresh/of-jobs.in"
of_jobs=$(installed "$fresh/of-jobs.in")
all=$(installed requirements.in)
of_tools=$(comm -13 <(sort <<< "$of_jobs") <(sort <<< "$all"))

cat > requirements.lock <<END
# Every package of the environment, exact; made from requirements.in by \`make lock\`, not by hand.
# Where PyPI's torch is a CUDA build, torch itself pins the CUDA packages that it brings.
$of_jobs

$tools: results do not depend on what stands from this line on.
$of_tools
END

cat > environment.yaml <<END
# The environment for \`--sdm conda\`: the pins of requirements.lock that jobs need; made by \`make lock\`, not by hand.
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.11
  - pip
  - pip:
$(sed 's/^/      - /' <<< "$of_jobs")
END
