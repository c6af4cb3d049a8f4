# Thin by design: every target is one command a person could type. CI calls only these.
SHELL := /bin/bash
PRACTICE ?= inventories/musterpraxis
AT ?= 12:30
WINDOWS := pc-1 pc-2 winserver-1
# which mutations `make test` runs: all, third (another one every day), or the number of a third, 0 to 2
export MUTATIONS ?= third
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONUNBUFFERED := 1

.DEFAULT_GOAL := help
.PHONY: help setup machine demo test test-all check lint unit up down converge verify drift bench windows-smoke schedule unschedule man messages lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.stamp ## the Python environment (quick when nothing changed)

$(VENV)/.stamp: requirements.lock pyproject.toml
	@lab/setup python
	@python3 -m venv $(VENV)
	@echo "Installing the locked dependencies …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable . 2>/dev/null
	@touch $@

machine: setup
	@lab/setup lab

demo: machine ## the model practice, and one with Windows stand-ins: hosts up, baseline applied, verified, reports
	@lab/lab.py up
	@lab/lab.py up $(WINDOWS)
	@$(MAKE) --no-print-directory converge verify
	@$(MAKE) --no-print-directory converge verify PRACTICE=inventories/windowspraxis

up: machine ## bring the model practice's hosts up
	@lab/lab.py up

down: ## take the model practice's hosts down
	@lab/lab.py down

converge: setup ## apply the baseline to PRACTICE
	@ansible-playbook -i $(PRACTICE) playbooks/site.yml

verify: setup ## prove every requirement of PRACTICE and write the evidence
	@praxisschild verify $(PRACTICE)

drift: setup ## verify, correct what drifted, verify again
	@ansible-playbook -i $(PRACTICE) playbooks/drift.yml

schedule: setup ## correct drift of PRACTICE every day AT a time (systemd timer on this machine)
	@praxisschild schedule $(PRACTICE) --at "$(AT)"

unschedule: setup ## remove that timer
	@praxisschild unschedule $(PRACTICE)

check: setup ## lint, types and unit tests: under two minutes, no hosts
	@$(MAKE) --no-print-directory -j 2 lint unit

lint: setup
	@ruff format --check --quiet .
	@ruff check --quiet .
	@mypy
	@yamllint --strict .
	@ansible-lint --offline -q
	@praxisschild check inventories/vorlage >/dev/null

unit: setup
	@pytest tests/unit -q -n 2 -m "not slow"

test: check machine ## everything, on real hosts, with a third of the mutations (MUTATIONS=all|third|0|1|2)
	@lab/lab.py build
	@pytest tests/unit -q -n 2 -m slow
	@pytest tests/windows -q -n 2 # the modules' C# on mono; not part of check, which asks for nothing but Python
	@pytest tests/lab -n 2 --dist loadgroup --no-loadscope-reorder --durations 15

test-all: ## the same with all mutations
	@$(MAKE) --no-print-directory test MUTATIONS=all

bench: machine ## this against its peers and outside judges, before and after
	@lab/setup bench
	@python benchmarks/bench.py

windows-smoke: setup ## check, apply twice and verify one real Windows of INVENTORY (HOST=name, TAGS=roles, YES=1 does not ask)
	@dev/windows_smoke.py run $(INVENTORY) --host "$(HOST)" --tags "$(TAGS)" $(if $(YES),--yes)

man: setup ## the manual page, in German and English, below docs/man
	@mkdir -p docs/man/de/man1 docs/man/man1
	@dev/manpage.py de > docs/man/de/man1/praxisschild.1
	@dev/manpage.py en > docs/man/man1/praxisschild.1
	@echo "man -M docs/man praxisschild"

messages: setup ## collect the messages of the program, and name those without a translation
	@dev/messages.py

lock: setup ## write requirements.lock anew from pyproject.toml
	@pip-compile --quiet --upgrade --generate-hashes --no-strip-extras --allow-unsafe --no-emit-index-url \
	  --no-emit-find-links --no-emit-options --extra dev --output-file requirements.lock pyproject.toml

clean: ## remove containers, networks, images, evidence of the lab and the environment
	@if [ -d .lab ]; then lab/lab.py clean; fi
	@rm -rf $(VENV) .ruff_cache .mypy_cache .pytest_cache .hypothesis .ansible evidence/musterpraxis docs/man
