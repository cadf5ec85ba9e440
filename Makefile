# `make` lists the targets. Everything lives in .venv; nothing else on the machine is touched.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# .venv is set up in two parts: what runs the service, then what tests it.
RUN    := $(VENV)/.ready-to-run
TEST   := $(VENV)/.ready-to-test
# The generators of clients, in an environment of their own inside it.
GENERATORS       := $(VENV)/generators
READY_GENERATORS := $(GENERATORS)/.ready
# What production has, and nothing else, in another one: `make bench` measures that.
PRODUCTION       := $(VENV)/production
READY_PRODUCTION := $(PRODUCTION)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo run test test-all test-package test-clients test-deploy test-image test-faults \
	fuzz attack lint prose format docs pictures bench package lock clean

help:  ## list the targets
	@awk -F ':.*## *' '/^[a-z-]+:.*## /{printf "%-14s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUN)  ## a login in the browser, and a phone there that rings: try it out
	@$(BIN)/python -m verify_service.dev --demo

run: $(RUN)  ## Valkey, the provider's simulator and the service; shows what to try
	@$(BIN)/python -m verify_service.dev

test: $(TEST)  ## the quick tests, in about 85 seconds
	@$(PYTEST) $(PARALLEL) -m 'not slow' --hypothesis-profile quick

test-all: $(TEST) $(READY_PRODUCTION)  ## every test but those of test-clients and test-faults, with branch coverage
	@$(BIN)/coverage erase
	@$(NOTHING_LEFT) $(BIN)/coverage run -m pytest $(PARALLEL)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

# Fails if a test leaves a server or any other process running.
NOTHING_LEFT := $(BIN)/python -m tests.leftovers
PYTEST       := $(NOTHING_LEFT) $(BIN)/python -m pytest
PARALLEL     := --numprocesses auto --dist loadgroup --ignore tests/faults --ignore tests/generated \
	--ignore tests/deploy

test-faults: $(TEST)  ## what breaks, broken: real processes under load, with a table at the end
	@$(PYTEST) tests/faults $(FAULTS)

fuzz: $(TEST)  ## thousands of requests made from the OpenAPI document, against the real service
	@$(BIN)/python -m tests.fuzz $(FUZZ)

test-package: $(TEST)  ## build the wheel and test it in an environment of its own
	@$(BIN)/python -m tests.package

test-clients: $(TEST) $(READY_GENERATORS)  ## generate clients from openapi.json; each verifies a number
	@$(PYTEST) tests/generated

test-deploy: $(TEST)  ## the files of docs/deploy.md: linters, and the unit's commands behind nginx
	@$(PYTEST) tests/deploy --ignore tests/deploy/image

test-image: $(TEST)  ## build the image, run compose.yaml, boot the unit: podman, root, five minutes
	@$(PYTEST) tests/deploy/image

attack: $(TEST)  ## every attacker of docs/security.md against the real processes, beside its bound
	@$(BIN)/python -m tests.attack $(ATTACK)

lint: $(TEST)  ## ruff, mypy --strict, and the words of comments and manuals
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m tests.prose

prose: $(TEST)  ## phrases to replace in comments, docstrings and manuals
	@$(BIN)/python -m tests.prose

format: $(TEST)  ## let ruff write
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(RUN)  ## write what is made from the code: openapi.json, env.example, settings.md, a table
	@$(BIN)/python -m verify_service.api.openapi > docs/openapi.json
	@$(BIN)/python -m verify_service.settings
	@$(BIN)/python -m verify_service.telemetry
	@$(BIN)/python -m verify_service.sandbox --table > $(VENV)/table.md
	@awk 'FNR == NR {table = table $$0 "\n"; next}; \
		/^<!-- end of the table/ {inside = 0}; \
		!inside {print}; \
		/^<!-- The table is made/ {printf "%s", table; inside = 1}; \
		END {exit inside}' \
		$(VENV)/table.md docs/sandbox.md > $(VENV)/sandbox.md
	@mv $(VENV)/sandbox.md docs/sandbox.md

pictures: $(TEST)  ## take the screenshots in docs/img again (needs Chromium)
	@$(BIN)/python -m tests.browser.screenshots docs/img \
		login-code:phone login-wrong:phone phone-ringing:phone phone-calls:desktop console console-fault

bench: $(TEST) $(READY_PRODUCTION)  ## how fast it is, beside the least that its stack costs (Linux; 15 minutes)
	@$(BIN)/python -m bench $(BENCH)

package: $(RUN)  ## build the wheel, into dist/
	@rm -rf build *.egg-info
	@$(PIP) wheel --no-deps --wheel-dir dist .
	@rm -rf build *.egg-info
	@ls dist/*.whl

lock: $(TEST)  ## pin what setup.cfg asks for, with hashes, for every Python; newer ones: UPGRADE=--upgrade
	@$(PIP) install uv
	@$(LOCK) setup.cfg --extra server --output-file requirements.txt
	@$(LOCK) setup.cfg --extra run -c requirements.txt --output-file requirements-run.txt
	@$(LOCK) setup.cfg --extra dev -c requirements-run.txt --output-file requirements-dev.txt
	@$(LOCK) tests/generated/requirements.in --output-file tests/generated/requirements.txt

LOCK = $(BIN)/uv pip compile --quiet $(UPGRADE) --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

clean:  ## remove what the other targets made
	rm -rf $(VENV) .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist *.egg-info

# With --no-compile: else pip compiles every module, and most are never imported. Python compiles
# the others when it first imports them, and keeps the result unless this variable forbids it.
unexport PYTHONDONTWRITEBYTECODE
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

$(RUN): requirements-run.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
		"Python 3.11 or newer is needed; say which: make PYTHON=python3.12")'
	@echo "Setting up $(VENV) to run the service (once, 10 to 20 seconds) …"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --no-compile --require-hashes -r $<
	@touch $@

$(TEST): requirements-dev.txt $(RUN)
	@echo "Adding what tests and tools need (once, a minute or so) …"
	@$(PIP) install --no-compile --require-hashes -r $<
	@touch $@

$(READY_GENERATORS): $(addprefix tests/generated/,requirements.txt package.json package-lock.json)
	@echo "Setting up $(GENERATORS) (once, a minute or so) …"
	@$(PYTHON) -m venv --clear $(GENERATORS)
	@$(GENERATORS)/bin/python -m pip --quiet --disable-pip-version-check \
		install --no-compile --require-hashes -r $<
	@cp tests/generated/package.json tests/generated/package-lock.json $(GENERATORS)
	@cd $(GENERATORS) && PATH="$$PWD/bin:$$PATH" npm ci --ignore-scripts --no-audit --no-fund --loglevel error
	@touch $@

$(READY_PRODUCTION): requirements.txt
	@echo "Setting up $(PRODUCTION) (once, 20 seconds or so) …"
	@$(PYTHON) -m venv --clear $(PRODUCTION)
	@$(PRODUCTION)/bin/python -m pip --quiet --disable-pip-version-check \
		install --require-hashes -r $<
	@touch $@
