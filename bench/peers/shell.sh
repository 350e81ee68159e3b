#!/bin/sh
# The shell's way: socat runs this for each connection, and each request is a curl and a jq. UPSTREAM is the API's address.
while read -r method id _; do
  printf 'OK %s\n' "$(curl -sS "$UPSTREAM/$method/$id" | jq -c .)"
done
