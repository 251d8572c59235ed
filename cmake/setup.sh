#!/usr/bin/env bash
# Brings a machine to the point where Fortet builds: Debian packages, Kokkos, and a virtual environment for
# the plots and the numpy oracles. Every step is skipped where it is already done, so a second run is instant.
#
#   cmake/setup.sh [host|cuda]
#
# FORTET_DEPS           where to keep what is built here          (default: build/deps)
# FORTET_KOKKOS_SOURCE  an unpacked Kokkos source, for machines without a package registry
# Kokkos_ROOT           an installed Kokkos of your own: none is built then
set -euo pipefail
cd "$(dirname "$0")/.."
backend=${1:-host}
deps=${FORTET_DEPS:-$PWD/build/deps}
mkdir -p "$deps"
say() { printf 'setup: %s\n' "$*"; }

# --- Debian packages -------------------------------------------------------------------------------------
packages=(g++ make cmake ninja-build ccache libeigen3-dev libfftw3-dev libboost-test-dev libcli11-dev
          nlohmann-json3-dev liblemon-dev libbenchmark-dev python3 python3-venv clang-format)
if command -v dpkg-query >/dev/null; then
  missing=()
  installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "${packages[@]}" 2>/dev/null | sed -n 's/^ii *//p') || true
  for p in "${packages[@]}"; do grep -qx -- "$p" <<<"$installed" || missing+=("$p"); done
  if ((${#missing[@]})); then
    root=()
    [ "$(id -u)" = 0 ] || root=(sudo -n)
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    if ! { "${root[@]}" apt-get update -qq && "${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$deps/apt.log" 2>&1; then
      say "could not install packages; please run: apt-get install ${missing[*]}" >&2
      exit 2
    fi
  fi
fi

# --- Kokkos ----------------------------------------------------------------------------------------------
kokkos_version=4.7.00
kokkos_sha256=e620f05c742905e2db705d875f1cac92ef0ed453f9e6734e9beda26cc0f9cce7
options=(-DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_STANDARD=20 -DCMAKE_POSITION_INDEPENDENT_CODE=ON
         -DKokkos_ENABLE_SERIAL=ON -DKokkos_ENABLE_OPENMP=ON -DKokkos_ARCH_NATIVE=ON)
if [ "$backend" = cuda ]; then
  # Kokkos 4.7.00 predates CUDA 13: no mdspan View there, and three runtime calls need their old signature.
  options+=(-DKokkos_ENABLE_CUDA=ON -DKokkos_ARCH_HOPPER90=ON -DKokkos_ENABLE_COMPILE_AS_CMAKE_LANGUAGE=ON
            -DCMAKE_CUDA_ARCHITECTURES=90 -DKokkos_ENABLE_IMPL_MDSPAN=OFF
            "-DCMAKE_CUDA_FLAGS=-include $PWD/cmake/cuda13_compat.hpp")
fi
prefix=$deps/kokkos-$backend
cpu=$(g++ -march=native -Q --help=target 2>/dev/null | awk '$1 == "-march=" {print $2}')
stamp="$kokkos_version $cpu ${options[*]}"
if [ -z "${Kokkos_ROOT:-}" ] && [ "$(cat "$prefix/fortet-stamp" 2>/dev/null)" != "$stamp" ]; then
  source=${FORTET_KOKKOS_SOURCE:-$deps/src/kokkos-$kokkos_version}
  if [ ! -f "$source/CMakeLists.txt" ]; then
    # The source distribution of pygenten carries the unmodified Kokkos release under tpls/kokkos.
    say "fetching Kokkos $kokkos_version"
    mkdir -p "$deps/download" "$deps/src"
    python3 -m venv "$deps/download/venv"
    "$deps/download/venv/bin/pip" -q download --no-deps --no-binary pygenten -d "$deps/download" pygenten==0.1.5 >"$deps/pip.log" 2>&1 || true
    archive=$(ls "$deps"/download/pygenten-0.1.5.tar.gz 2>/dev/null) || { say "could not download Kokkos (see $deps/pip.log); set Kokkos_ROOT or FORTET_KOKKOS_SOURCE" >&2; exit 2; }
    echo "$kokkos_sha256  $archive" | sha256sum --check --quiet || { say "the downloaded archive has another hash than expected" >&2; exit 2; }
    rm -rf "$source" "$deps/src/unpack"; mkdir -p "$deps/src/unpack"
    tar -xzf "$archive" -C "$deps/src/unpack" --wildcards '*/tpls/kokkos/*'
    mv "$deps"/src/unpack/*/tpls/kokkos "$source"
    rm -rf "$deps/src/unpack" "$deps/download"
  fi
  say "building Kokkos $kokkos_version ($backend), once"
  rm -rf "$prefix" "$deps/kokkos-build-$backend"
  if ! { cmake -S "$source" -B "$deps/kokkos-build-$backend" -G Ninja -DCMAKE_INSTALL_PREFIX="$prefix" "${options[@]}" &&
         cmake --build "$deps/kokkos-build-$backend" --target install; } >"$deps/kokkos-$backend.log" 2>&1; then
    tail -n 20 "$deps/kokkos-$backend.log" >&2
    say "Kokkos did not build (see $deps/kokkos-$backend.log)" >&2
    exit 2
  fi
  rm -rf "$deps/kokkos-build-$backend"
  printf '%s' "$stamp" >"$prefix/fortet-stamp"
fi

# --- Python, for plots and numpy oracles (optional: without it those are skipped) ----------------------------
venv=$deps/venv
if [ ! -f "$venv/fortet-stamp" ]; then
  say "creating the Python environment for plots"
  rm -rf "$venv"
  if python3 -m venv "$venv" && "$venv/bin/pip" -q install numpy matplotlib >"$deps/venv.log" 2>&1; then
    touch "$venv/fortet-stamp"
  else
    say "no Python environment (see $deps/venv.log): reports will have no plots, numpy oracles are skipped"
    rm -rf "$venv"
  fi
fi
