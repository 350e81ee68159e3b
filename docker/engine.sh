#!/usr/bin/env bash
# A container engine for check.sh where the machine has none and reaches no image registry: unpacked from Debian's packages
# into a folder of its own, with the base image made from the Debian mirror that apt knows. find_engine() leaves DOCKER_HOST,
# DOCKER_CONFIG and PATH set, or exits 3; stop_engine() ends it and puts the network's rules back. Installs only ./run's
# [container] packages. Sourced by check.sh, which owns say().

home=${LINEGATE_CHECK_HOME:-/var/cache/linegate-check}   # engine, base image and build cache: kept for the next run
state=/run/linegate-check                                # socket, logs, the network's rules before the engine came
base=debian:trixie-slim
engine=''                                                # the pid of an engine of ours

cannot() { say "cannot: $*"; exit 3; }
without_hosts() { sed -E 's#https?://[^/ ]+#<mirror>#g'; }

find_engine() {
  if timeout 10 docker version > /dev/null 2>&1 && docker compose version > /dev/null 2>&1; then
    say 'using the engine at hand'
    return
  fi
  [ "$(id -u)" = 0 ] || cannot 'no container engine, and not root'
  mkdir -p "$home" "$state"
  exec 9> "$home/lock"
  flock -w 1800 9 || cannot "another check holds $home/lock"
  ./run install container || cannot 'the packages that this needs are not to be had'
  unpack_engine
  start_engine
  make_base_image
}

# The one-line apt sources of trixie, on the mirror that this machine uses itself.
trixie_sources() {
  local uri keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  # shellcheck disable=SC2016
  uri=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk '$2 ~ /^(bookworm|trixie)$/ && $3 == "main" { print $1; exit }')
  [ -n "$uri" ] || cannot "apt knows no mirror of Debian's"
  printf "deb [signed-by=$keyring] $uri %s main\n" trixie trixie-updates
}

# Downloads packages of trixie, by a package list of our own, and unpacks them into $home/engine; installs nothing.
unpack_engine() {
  export PATH=$home/engine/usr/sbin:$home/engine/usr/bin:$PATH DOCKER_CONFIG=$home/docker-config
  if [ ! -e "$home/engine/complete" ]; then
    say 'unpacking a container engine'
    local apt=$home/apt deb
    local options=(-qq -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
      -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" -o APT::Sandbox::User=root)
    rm -rf "$apt" "$home/engine"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$home/engine"
    trixie_sources > "$apt/sources.list"
    { apt-get "${options[@]}" update &&
      (cd "$apt" && apt-get "${options[@]}" download docker.io docker-cli docker-buildx docker-compose containerd tini); } \
      > "$state/apt.log" 2>&1 || { without_hosts < "$state/apt.log" | tail -3; cannot 'the engine could not be downloaded'; }
    for deb in "$apt"/*.deb; do dpkg-deb -x "$deb" "$home/engine"; done
    rm -rf "$apt"
    dockerd --version > /dev/null 2>&1 || cannot 'the engine does not run on this libc'
    touch "$home/engine/complete"
  fi
  mkdir -p "$DOCKER_CONFIG/cli-plugins"
  ln -sf "$home"/engine/usr/libexec/docker/cli-plugins/* "$DOCKER_CONFIG/cli-plugins/"
}

start_engine() {
  local device mtu driver
  export DOCKER_HOST=unix://$state/docker.sock
  save_network
  device=$(ip -o route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -1)
  mtu=$(cat "/sys/class/net/$device/mtu" 2> /dev/null || echo 1500)
  for driver in overlay2 vfs; do
    dockerd --storage-driver "$driver" --data-root "$home/data" --exec-root "$state/exec" --pidfile "$state/dockerd.pid" \
      -H "$DOCKER_HOST" --mtu "$mtu" --default-network-opt "bridge=com.docker.network.driver.mtu=$mtu" --log-level warn \
      > "$state/dockerd.log" 2>&1 < /dev/null 9>&- &
    engine=$!
    until timeout 5 docker version > /dev/null 2>&1; do
      kill -0 "$engine" 2> /dev/null || continue 2
      sleep 0.2
    done
    say "started an engine ($driver)"
    return
  done
  engine=''
  restore_network
  cannot "no engine could be started: $(tail -1 "$state/dockerd.log" | cut -c1-200)"
}

stop_engine() {
  [ -n "$engine" ] || return 0
  docker network prune -f > /dev/null 2>&1 || true
  kill "$engine"
  wait "$engine" || true
  restore_network
  say "stopped the engine and put the network's rules back"
}

# ---- the network, as it was before the engine

forwarding=(/proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding)

# What iptables-save says, with the tables that an engine fills named even where they are empty: restoring empties them.
rules() {
  local saved
  saved=$("$1-save" 2> /dev/null)
  printf '%s\n' "$saved"
  grep -q '^\*filter' <<< "$saved" || printf '*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n'
  grep -q '^\*nat' <<< "$saved" || printf '*nat\n:PREROUTING ACCEPT\n:INPUT ACCEPT\n:OUTPUT ACCEPT\n:POSTROUTING ACCEPT\nCOMMIT\n'
}

save_network() {
  rules iptables > "$state/rules4"
  rules ip6tables > "$state/rules6"
  cat "${forwarding[@]}" > "$state/forwarding" 2> /dev/null || true
  ls /sys/class/net > "$state/links"
}

restore_network() {
  local link file value
  iptables-restore < "$state/rules4" || true
  ip6tables-restore < "$state/rules6" 2> /dev/null || true
  for file in "${forwarding[@]}"; do
    if [ -e "$file" ]; then read -r value && echo "$value" > "$file"; fi
  done < "$state/forwarding"
  for link in /sys/class/net/*; do
    grep -qxF "${link##*/}" "$state/links" || ip link delete "${link##*/}" 2> /dev/null || true
  done
}

# ---- the base image

make_base_image() {
  if docker image inspect "$base" > /dev/null 2>&1; then return; fi
  say "making $base from the mirror"
  local options=(--variant=minbase --mode=root --quiet) line
  while read -r line; do options+=(--aptopt="$line"); done < <(
    apt-config dump | grep -E '^Acquire::(Check-Valid-Until|Check-Date|Retries|https?::Proxy)\b.*"..*";$' | sed 's/;$//')
  for line in /usr/share/doc /usr/share/locale /usr/share/man /usr/share/info; do options+=(--dpkgopt="path-exclude=$line/*"); done
  # As the published images do: apt's caches do not stay in the layers.
  line='DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; }'
  trixie_sources > "$state/sources.list"
  mmdebstrap "${options[@]}" --aptopt="$line" --aptopt='Acquire::Languages "none"' trixie "$state/base.tar" "$state/sources.list" \
    > "$state/base.log" 2>&1 || { without_hosts < "$state/base.log" | tail -5; cannot "$base could not be made"; }
  docker import -c 'CMD ["bash"]' -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' "$state/base.tar" "$base" > /dev/null
  rm "$state/base.tar"
}
