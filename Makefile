# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
#
# Each configuration is built once and shared: debug for `test`, release for `run`, `interop` and `bench`.

# Arguments for `make run`, such as ARGS="--port 9000".
ARGS ?=
# Time for each target of `make fuzz`.
FUZZ_SECONDS ?= 20
# Imports must follow the arrows of docs/architecture.md.
SWIFT_FLAGS := --explicit-target-dependency-import-check error
RELEASE := .build/release/headwater
DEBUG := .build/debug/headwater
PYTHON := .build/venv/bin/python
PYTEST := $(PYTHON) -m pytest -c Tests/Interop/pytest.ini --rootdir Tests/Interop
# Packages of their own, whose sources are held to the same format.
NESTED := Fuzzing/Package.swift Fuzzing/Sources Benchmarks/Micro/Package.swift Benchmarks/Micro/Sources \
	Benchmarks/Micro/Benchmarks
# What needs no foreign software runs end to end in `make test`; the rest of Tests/Interop is for `make interop`.
END_TO_END := test_harness.py test_configuration.py test_operations.py test_drain.py test_problems.py test_bad_input.py \
	test_otlp_encoding.py
# Tests mostly wait for timers; those of a file share what they started, so they stay together.
IN_PARALLEL := -n 2 --dist loadfile

.PHONY: help run test interop operations fuzz lint format bench micro release

help: ## List the targets.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

run: release ## Install what is missing, build, and start the origin with its defaults.
	exec $(RELEASE) serve $(ARGS)

test: ## Install what is missing and run the unit and end-to-end tests.
	scripts/bootstrap test
	swift build $(SWIFT_FLAGS) --build-tests
	swift test $(SWIFT_FLAGS) --skip-build
	HEADWATER_BIN=$(CURDIR)/$(DEBUG) $(PYTEST) $(addprefix Tests/Interop/,$(END_TO_END))

interop: release ## Run against real proxies, a browser and foreign clients; installs them first.
	scripts/bootstrap interop
	$(MAKE) -C Benchmarks check
	HEADWATER_BIN=$(CURDIR)/$(RELEASE) $(PYTEST) $(IN_PARALLEL) Tests/Interop \
		$(addprefix --ignore=Tests/Interop/,$(END_TO_END))
	Benchmarks/run --short
	Benchmarks/memory --short
	Benchmarks/micro --short

operations: release ## Test what operators take: rules, dashboards, manifests, pages; with a real Prometheus.
	scripts/bootstrap interop
	HEADWATER_BIN=$(CURDIR)/$(RELEASE) $(PYTHON) -m pytest -c Tests/Operations/pytest.ini --rootdir Tests/Operations \
		Tests/Operations

fuzz: ## Fuzz what reads bytes from outside, FUZZ_SECONDS each; see Fuzzing/README.md.
	scripts/bootstrap build
	Fuzzing/run --seconds $(FUZZ_SECONDS)

lint: ## Check format, scripts, and the house rules that a machine can check.
	scripts/bootstrap lint
	scripts/lint

format: ## Format the Swift sources in place.
	swift format --in-place --parallel --recursive Package.swift Sources Tests $(NESTED)

bench: release ## Measure against two floors in C, Nchan, Node, Express and Starlette, for 40 minutes.
	scripts/bootstrap interop
	Benchmarks/run

micro: ## Count instructions of single operations; see Benchmarks/Micro/README.md.
	scripts/bootstrap interop
	Benchmarks/micro

release:
	scripts/bootstrap build
	swift build $(SWIFT_FLAGS) -c release --product headwater
