# Needs Python 3.11 or newer and make; everything else is fetched (requirements/*.lock) or started (socialops/local).
.DEFAULT_GOAL := help
.PHONY: help demo test check bench faults mutate screens doctor up down secrets lock clean venv-local venv-dev

CANDIDATES := python3 python3.13 python3.12 python3.11 python3.14
PYTHON ?= $(shell for python in $(CANDIDATES); do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
export PYTHONDONTWRITEBYTECODE :=
RUN := .venv/bin/python
APPS := socialops accounts channels_registry publishing inbox governance

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: venv-local ## Everything on this machine, with a company in it; PORT=8001 for another port
	@PORT="$(PORT)" exec $(RUN) -m socialops.local demo

test: venv-dev ## Every test, on real servers of their own; ARGS="tests/inbox -k reply" for some of them
	@$(RUN) -m tests.peers
	@$(RUN) -m pytest $(or $(ARGS),-n 4 --dist loadfile --no-loadscope-reorder)

check: venv-dev ## Style, types, templates and the directions of imports
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check --quiet . || { $(RUN) -m ruff format --check .; exit 1; }
	@$(RUN) -m mypy
	@$(RUN) -m djlint --quiet --lint templates
	@.venv/bin/lint-imports --no-cache

bench: venv-dev ## A workload and its figures: W=burst, idle, calendar, hold, import, matrix, export, pack or sweep
	@$(RUN) -m tests.benchmarks $(W)

faults: venv-dev ## Kill -9 under 20 seeds, and once at real pace; FAULT_SEEDS=200 for more; ARGS="-m heavy": failover, full disk, clocks, a soak
	@$(RUN) -m tests.peers
	@$(RUN) -m pytest tests -m faults $(ARGS)

mutate: venv-dev ## Mistakes put into the rules, and how many the tests notice; ARGS="--sample 200 --seed 7"
	@$(RUN) -m tests.mutation $(ARGS)

screens: venv-dev ## Pictures of every page into screens/; PAGES="today inbox" for some
	@PAGES="$(PAGES)" $(RUN) -m pytest -q tests/screens.py

doctor: venv-local ## What is wrong with this installation, and how to mend it
	@$(RUN) manage.py doctor

up: venv-local ## The embedded servers alone, for manage.py; they stay until make down
	@$(RUN) -m socialops.local up

down: ## Stop the embedded servers
	@test ! -x $(RUN) || $(RUN) -m socialops.local down

secrets: venv-local ## The secrets of docker-compose.yml, into secrets/
	@$(RUN) manage.py secrets secrets

lock: ## Compile requirements/*.lock anew (needs uv)
	@for each in "base --extra s3" "local --extra local" "dev --extra local --extra s3 --extra dev"; do set -- $$each; name=$$1; shift; \
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml \
	"$$@" -o requirements/$$name.lock || exit 1; done
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	requirements/yardsticks.in -o requirements/yardsticks.lock

clean: down ## Remove the venv and all local data: the next start is a first start
	@test ! -f .local/elsewhere || rm -rf "$$(cat .local/elsewhere)"
	@rm -rf .venv .local .mypy_cache .ruff_cache screens staticfiles tests/atproto/node_modules

venv-local venv-dev: venv-%:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed. On Debian and Ubuntu: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -m socialops.local.venv $*
