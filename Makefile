# A thin driver over the CMake presets; `make help` lists what it does.
PRESET ?= release
PREFIX ?= /usr/local
BUILD   = build/$(PRESET)
JOBS   ?= $(shell nproc)
REPORT ?= fortet-report
PYTHON ?= python3
SUITE  ?= quick
PEERS  ?=
DATA   ?= ../shared/data

ifeq ($(PRESET),cuda)
export PATH := $(PATH):/usr/local/cuda/bin
endif

.DEFAULT_GOAL := build
.PHONY: help setup configure build compare test bench bench-peers validate install format format-check clean

help:        ## this list
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14
	@echo 'PRESET=release|debug|asan-ubsan|cuda chooses the build, JOBS=N how many compilers at once.'

setup:       ## install what is missing (Debian packages, Kokkos, plotting environment)
	@cmake/setup.sh $(if $(filter cuda,$(PRESET)),cuda,host)

configure: setup
	@test -f $(BUILD)/build.ninja || cmake --preset $(PRESET)

build: configure  ## library, program, tests, benchmarks
	@cmake --build $(BUILD) -j $(JOBS)

compare: configure  ## solve an embedded problem with every solver: a table and an HTML report
	@cmake --build $(BUILD) -j $(JOBS) --target fortet_program
	@$(BUILD)/src/fortet compare --report $(REPORT)

test: build  ## every test, through ctest
	@ctest --test-dir $(BUILD) --output-on-failure -j $(JOBS)

bench: build ## kernels against the limits of this machine
	@$(BUILD)/validation/bench/bench_sinkhorn
	@$(BUILD)/validation/bench/bench_grid
	@$(BUILD)/validation/bench/bench_neural

bench-peers: build ## beside the peers that PYTHON has; PEERS='sections and options' for those of Sinkhorn
	@$(PYTHON) validation/bench/peers_sinkhorn.py $(BUILD)/src/fortet $(PEERS)
	@$(PYTHON) validation/bench/peers_grid.py $(BUILD)/src/fortet
	@$(PYTHON) validation/bench/peers_neural.py $(BUILD)/validation/bench/bench_neural

validate: configure ## problems with known answers, and a report: SUITE=quick|full
	@cmake --build $(BUILD) -j $(JOBS) --target fortet_program
	@$(BUILD)/src/fortet validate --suite $(SUITE) --data $(DATA) --report $(REPORT)

install: build ## library, headers, program: PREFIX=/where/to
	@cmake --install $(BUILD) --prefix $(PREFIX)

format: setup ## clang-format on every source
	@git ls-files '*.hpp' '*.cpp' | xargs clang-format -i

format-check: setup ## fails where `make format` would change something
	@git ls-files '*.hpp' '*.cpp' | xargs clang-format --dry-run -Werror

clean:       ## remove the build trees (what setup built stays)
	@rm -rf build/release build/debug build/asan-ubsan build/cuda $(REPORT)
