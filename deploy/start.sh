#!/bin/sh
# Starts soundalike with the token of a mounted secret, if there is one. Other programs of the image
# (`ray start`) are started as they are.
set -eu
secret=/run/secrets/token
if [ -z "${SOUNDALIKE_TOKEN:-}" ] && [ -r "$secret" ]; then
    SOUNDALIKE_TOKEN=$(cat "$secret")
    export SOUNDALIKE_TOKEN
fi
if [ "${1:-}" = ray ]; then
    exec "$@"
fi
exec soundalike "$@"
