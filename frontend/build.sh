#!/bin/sh
# Build the workspace into core/static/dist with the machine's npm, or with the one of a Python wheel.
# Usage: build.sh <bin folder of the Python environment>
set -eu

environment=$1
project=$(cd "$(dirname "$0")/.." && pwd)

# Vite needs Node 20.19 or later; an older one of the machine is passed over.
new_enough='const [a, b] = process.versions.node.split("."); process.exit(+a > 20 || (+a === 20 && +b >= 19) ? 0 : 1)'
if ! { command -v npm && node -e "$new_enough"; } >/dev/null 2>&1; then
    "$environment/python" -m pip --disable-pip-version-check --quiet install --require-hashes -r "$project/requirements-node.lock"
    PATH=$environment:$PATH
    export PATH
fi

cd "$project/frontend"
echo "Building the workspace (its packages are fetched once) …"
# No script of a package is run: nothing here needs one.
npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >/dev/null
npm run build --silent --no-update-notifier
