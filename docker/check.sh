#!/usr/bin/env bash
# Builds and runs docker/Dockerfile and docker/compose.yaml for real: size, health, an exchange, a mounted config, the stop.
# Uses the container engine at hand, else one of engine.sh's. Exit 0 passed, 1 a check failed, 3 this machine cannot.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8 DOCKER_BUILDKIT=1

image=linegate:check
project=linegate-check
max_mb=110
container='' failures=0

say() { printf '[%4d s] %s\n' "$SECONDS" "$*"; }
bad() { say "FAIL: $*"; failures=$((failures + 1)); }
# shellcheck source=docker/engine.sh
. docker/engine.sh

# ---- the image

build_image() {
  local started=$SECONDS log
  log=$(mktemp)
  say "building $image"
  if ! docker build --progress=plain -f docker/Dockerfile -t "$image" . > "$log" 2>&1; then
    without_hosts < "$log" | tail -40
    bad 'docker build'
    return 1
  fi
  rm "$log"
  say "built in $((SECONDS - started)) s"
}

check_image() {
  local mb user
  mb=$(($(docker image inspect -f '{{.Size}}' "$image") / 1000000))
  user=$(docker image inspect -f '{{.Config.User}}' "$image")
  say "$mb MB, user $user, $(docker run --rm "$image" --version | head -1)"
  [ "$mb" -le $max_mb ] || bad "the image is larger than $max_mb MB"
  case $user in '' | 0 | root) bad 'the image runs as root' ;; esac
}

# start ARG...: a container without any privilege, on a port of the engine's choice; returns when it is healthy.
start() {
  local health=starting
  container=$(docker run -d --read-only --cap-drop ALL --security-opt no-new-privileges -p 127.0.0.1::15555 "$@" "$image")
  for ((i = 0; i < 150; i++)); do
    health=$(docker inspect -f '{{.State.Status}}:{{.State.Health.Status}}' "$container")
    case $health in running:starting) sleep 0.2 ;; *) break ;; esac
  done
  [ "$health" = running:healthy ] || { bad "the container is $health"; docker logs "$container" 2>&1 | tail -20; }
}

# stop: ends the container by its stop signal, which it has to obey at once.
stop() {
  local started=$SECONDS code
  docker stop -t 10 "$container" > /dev/null
  code=$(docker inspect -f '{{.State.ExitCode}}' "$container")
  [ "$code" = 0 ] || bad "exit code $code on SIGTERM"
  [ $((SECONDS - started)) -le 3 ] || bad "took $((SECONDS - started)) s to stop"
  docker rm -f "$container" > /dev/null
  container=''
}

# answer ADDRESS LINE: the first line that comes back.
answer() {
  # shellcheck disable=SC2016
  timeout 10 bash -c 'exec 3<> "/dev/tcp/${0%:*}/${0##*:}"; printf "%s\nquit\n" "$1" >&3; head -n 1 <&3' "$1" "$2" || true
}

# expect ADDRESS LINE PATTERN
expect() {
  local reply
  reply=$(answer "$1" "$2")
  # shellcheck disable=SC2053
  if [[ $reply == $3 ]]; then say "$2 -> $reply"; else bad "$2 -> '$reply', not '$3'"; fi
}

# ---- the checks

check_demo() {
  say 'docker run linegate: the demo'
  start
  # The log is stderr alone: the engine keeps no order between that and the hints on stdout.
  case $(docker logs "$container" 2>&1 > /dev/null | head -1) in *anybody*) ;; *) bad 'the first log line does not say that it serves anybody' ;; esac
  expect "$(docker port "$container" 15555/tcp)" 'weather oslo' 'OK {"city":"Oslo"*'
  stop
}

check_mounted_config() {
  say 'the same with a config mounted over the demo'
  start -v "$PWD/docker/gateway.toml:/etc/linegate/linegate.toml:ro"
  expect "$(docker port "$container" 15555/tcp)" routes 'OK *"order"*'
  stop
}

compose() { LINEGATE_PORT=0 docker compose -p $project -f docker/compose.yaml "$@"; }

check_compose() {
  local address log
  log=$(mktemp)
  say 'docker compose up: the gateway with nginx behind it'
  if compose up -d --build --wait --wait-timeout 120 > "$log" 2>&1; then
    address=$(compose port gateway 15555)
    expect "$address" 'weather oslo' 'OK {"city":"Oslo","temp_c":3.50}'
    expect "$address" 'weather atlantis' 'ERR upstream_not_found *"status":404*'
    expect "$address" 'order umbrella' 'OK {"order":*}'
    compose stop > /dev/null 2>&1
    compose ps -a --format '{{.Service}} {{.ExitCode}}' | grep -qx 'gateway 0' || bad 'the gateway did not stop cleanly'
  else
    without_hosts < "$log" | tail -20
    compose logs --tail 20
    bad 'compose up'
  fi
  rm "$log"
}

clean_up() {
  local code=$?
  set +e
  [ -z "$container" ] || docker rm -f "$container" > /dev/null 2>&1
  compose down -v --rmi local > /dev/null 2>&1
  docker image rm -f "$image" > /dev/null 2>&1
  stop_engine
  exit $code
}

# ---- main

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
find_engine
if build_image; then
  check_image
  check_demo
  check_mounted_config
  check_compose
fi
if [ $failures = 0 ]; then say passed; else say "$failures failed"; exit 1; fi
