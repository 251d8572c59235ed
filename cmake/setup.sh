#!/usr/bin/env bash
# Brings a machine to the point where Fortet builds: Debian packages, Kokkos, and a virtual environment for
# the plots and the numpy oracles. Every step is skipped where it is already done, so a second run is instant
# and touches no network.
#
#   cmake/setup.sh [host|cuda]
#
# FORTET_DEPS           where to keep what is built here          (default: build/deps)
# FORTET_KOKKOS_SOURCE  an unpacked Kokkos source, for machines without a package registry
# Kokkos_ROOT           an installed Kokkos of your own: none is built then
set -euo pipefail
cd "$(dirname "$0")/.."
backend=${1:-host}
deps=${FORTET_DEPS:-build/deps}
mkdir -p "$deps"
deps=$(cd "$deps" && pwd)
say() { printf 'setup: %s\n' "$*"; }
fail() { say "$@" >&2; exit 2; }
have() { command -v "$1" >/dev/null 2>&1; }

# --- Debian packages -------------------------------------------------------------------------------------
required=(g++ make cmake ninja-build libeigen3-dev libboost-test-dev libcli11-dev nlohmann-json3-dev)
optional=(ccache libfftw3-dev liblemon-dev libbenchmark-dev python3 python3-venv clang-format)
not_installed() {
  local installed
  installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "$@" 2>/dev/null | sed -n 's/^ii *//p') || true
  for package in "$@"; do grep -qxF -- "$package" <<<"$installed" || printf '%s ' "$package"; done
}
install_packages() {
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    have sudo || return 1
    if [ -t 0 ]; then as_root=(sudo); else as_root=(sudo -n); fi  # may ask for a password only on a terminal
  fi
  # a broken third-party list must not stop the packages that can be had
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq >"$deps/apt.log" 2>&1 || true
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "$@" >>"$deps/apt.log" 2>&1
}
if have dpkg-query && have apt-get; then
  read -ra missing <<<"$(not_installed "${required[@]}" "${optional[@]}")"
  if ((${#missing[@]})); then
    say "installing ${missing[*]}"
    if ! install_packages "${missing[@]}"; then
      read -ra needed <<<"$(not_installed "${required[@]}")"
      if ((${#needed[@]})); then
        fail "could not install packages (see $deps/apt.log); as root, run: apt-get install ${missing[*]}"
      fi
      say "continuing without the optional packages ${missing[*]} (see $deps/apt.log)"
    fi
  fi
fi
for tool in g++ cmake ninja; do have $tool || fail "$tool is missing; on Debian: apt-get install ${required[*]}"; done

# --- Kokkos ----------------------------------------------------------------------------------------------
kokkos_version=4.7.00
kokkos_sha256=e620f05c742905e2db705d875f1cac92ef0ed453f9e6734e9beda26cc0f9cce7
options=(-DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_STANDARD=20 -DCMAKE_POSITION_INDEPENDENT_CODE=ON
         -DKokkos_ENABLE_SERIAL=ON -DKokkos_ENABLE_OPENMP=ON -DKokkos_ARCH_NATIVE=ON)
forced_include=()
if [ "$backend" = cuda ]; then
  have nvcc || PATH=$PATH:/usr/local/cuda/bin
  have nvcc || fail "nvcc is missing; put the CUDA toolkit's bin folder on PATH"
  # Kokkos 4.7.00 predates CUDA 13: no mdspan View there, and three runtime calls need their old signature.
  options+=(-DKokkos_ENABLE_CUDA=ON -DKokkos_ARCH_HOPPER90=ON -DKokkos_ENABLE_COMPILE_AS_CMAKE_LANGUAGE=ON
            -DCMAKE_CUDA_ARCHITECTURES=90 -DKokkos_ENABLE_IMPL_MDSPAN=OFF)
  forced_include=("-DCMAKE_CUDA_FLAGS=-include $PWD/cmake/cuda13_compat.hpp")
fi
prefix=$deps/kokkos-$backend
source=${FORTET_KOKKOS_SOURCE:-$deps/src/kokkos-$kokkos_version}

# The source distribution of the Python package pygenten carries the unmodified Kokkos release.
fetch_kokkos() {
  local download=$deps/download unpack=$deps/src/unpack
  local archive=$download/pygenten-0.1.5.tar.gz
  say "fetching Kokkos $kokkos_version"
  mkdir -p "$download"
  { python3 -m venv "$download/venv" &&
    "$download/venv/bin/pip" -q download --no-deps --no-binary pygenten -d "$download" pygenten==0.1.5; } \
    >"$deps/pip.log" 2>&1 || true  # pip may fail to read the package's metadata after it has saved the archive
  [ -f "$archive" ] ||
    fail "could not download Kokkos (see $deps/pip.log); set Kokkos_ROOT or FORTET_KOKKOS_SOURCE"
  sha256sum --check --quiet <<<"$kokkos_sha256  $archive" || fail "the downloaded archive has another hash than expected"
  rm -rf "$source" "$unpack"
  mkdir -p "$unpack"
  tar -xzf "$archive" -C "$unpack" --wildcards '*/tpls/kokkos/*'
  mv "$unpack"/*/tpls/kokkos "$source"
  rm -rf "$unpack" "$download"
}

cpu=$(g++ -march=native -Q --help=target 2>/dev/null | awk '$1 == "-march=" {print $2}')
stamp="$kokkos_version $cpu ${options[*]}"
if [ -z "${Kokkos_ROOT:-}" ] && [ "$(cat "$prefix/fortet-stamp" 2>/dev/null)" != "$stamp" ]; then
  [ -f "$source/CMakeLists.txt" ] || fetch_kokkos
  say "building Kokkos $kokkos_version ($backend), once"
  build=$deps/kokkos-build-$backend
  log=$deps/kokkos-$backend.log
  rm -rf "$prefix" "$build"
  if ! { cmake -S "$source" -B "$build" -G Ninja -DCMAKE_INSTALL_PREFIX="$prefix" "${options[@]}" "${forced_include[@]}" &&
         cmake --build "$build" --target install; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    fail "Kokkos did not build (see $log)"
  fi
  rm -rf "$build"
  printf '%s' "$stamp" >"$prefix/fortet-stamp"
fi

# --- Python, for plots and numpy oracles (optional: without it those are skipped) ------------------------
venv=$deps/venv
if [ ! -f "$venv/fortet-stamp" ] && [ ! -f "$deps/venv-failed" ]; then
  say "creating the Python environment for plots"
  rm -rf "$venv"
  if { python3 -m venv "$venv" && "$venv/bin/pip" -q install numpy matplotlib; } >"$deps/venv.log" 2>&1; then
    touch "$venv/fortet-stamp"
  else
    rm -rf "$venv"
    touch "$deps/venv-failed"
    say "no Python environment (see $deps/venv.log): reports have no plots, numpy oracles are skipped." \
        "To try again, remove $deps/venv-failed"
  fi
fi
