#!/usr/bin/env bash
# Installs a build of linegate into a scratch prefix, builds project/ against it twice and runs both results.
# consumer.sh CMAKE BUILD_DIR COMPILER; CXXFLAGS, LDFLAGS: those of the build (a sanitizer must be on both sides).
set -euo pipefail

cmake=$1 build=$2 compiler=$3
project=$(cd "$(dirname "$0")" && pwd)/project
scratch=$build/consumer
prefix=$scratch/prefix

with_find_package() {
  "$cmake" -S "$project" -B "$scratch/cmake" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$prefix"
  "$cmake" --build "$scratch/cmake"
  "$scratch/cmake/consumer"
}

with_pkg_config() {
  local flags libraries
  PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name linegate.pc)")
  export PKG_CONFIG_PATH
  read -ra flags <<< "$CXXFLAGS -std=c++20 $(pkg-config --cflags linegate)"
  read -ra libraries <<< "${LDFLAGS-} $(pkg-config --libs linegate)"
  "$compiler" "${flags[@]}" "$project/main.cc" "${libraries[@]}" -o "$scratch/consumer"
  "$scratch/consumer"
}

rm -rf "$scratch"
"$cmake" --install "$build" --prefix "$prefix" > /dev/null
with_find_package
with_pkg_config
