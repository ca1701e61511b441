# Two commands matter: `make book` and `make test`. The first run of either makes .venv.

# The first python3 that is new enough; PYTHON=... names another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c $(NEW_ENOUGH) 2>/dev/null && echo $$p && break; done)
NEW_ENOUGH = 'import sys; sys.exit(sys.version_info < (3, 11))'
PORT ?= 8000
# On Linux pip's own torch carries CUDA, several GB. The address of PyTorch's index of CPU builds spares that.
TORCH_INDEX ?=
# Of make wheel: pinned, oldest, or (as it is) both.
VERSIONS ?=
export TORCH_INDEX

BIN := .venv/bin
LOG := .venv/install.log
# What a lab's numbers depend on besides the lab itself.
PACKAGE := $(shell find ttclab -type f ! -path '*/__pycache__/*' ! -path '*/explorables/src/*' ! -name '*.checkpoint*')

# One thread a process: faster for models of this size, and the same everywhere.
export OMP_NUM_THREADS := 1
# The kernel of this environment, whatever else the user has installed.
export JUPYTER_PREFER_ENV_PATH := 1
export PYDEVD_DISABLE_FILE_VALIDATION := 1

.DEFAULT_GOAL := help
.PHONY: help book serve lab test wheel lint format bench explorables picture clean distclean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20
	@echo
	@echo "  PYTHON=python3.12  the Python that .venv is made with (3.11 or newer)"
	@echo "  PORT=8001          where serve listens"
	@echo "  VERSIONS=oldest    the versions that wheel tries: pinned, oldest, or without it both"
	@echo "  TORCH_INDEX=URL    an index to take torch from (README.md: the CPU build on Linux)"

.venv/.installed: pyproject.toml constraints.txt
	@"$(PYTHON)" -c $(NEW_ENOUGH) 2>/dev/null || { \
		echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not: name one with make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Installing into .venv: some minutes, about 2 GB. What pip says goes to $(LOG)"
	@mkdir -p .venv && "$(PYTHON)" -m venv .venv >$(LOG) 2>&1 || { \
		echo "Python could not make .venv (on Debian and Ubuntu: apt install python3-venv). Its words: $(LOG)" >&2; exit 1; }
	@{ $(BIN)/python -m pip install --upgrade pip && \
		$(BIN)/python -m pip install $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) \
			--constraint constraints.txt --editable '.[book,test]'; } >>$(LOG) 2>&1 || { \
		echo "pip could not install the packages: no network, or a full disk? Its words: $(LOG)" >&2; exit 1; }
	@touch $@

# The execution cache looks at a notebook's code alone; a change of the package must run the notebooks again.
_build/.package: .venv/.installed $(PACKAGE)
	@rm -rf _build/.jupyter_cache _build/.doctrees
	@mkdir -p _build && touch $@

# Sphinx does not read pages again when a local extension changes.
_build/.extensions: $(wildcard book/_ext/*.py book/_ext/*/*.py)
	@rm -rf _build/.doctrees
	@mkdir -p _build && touch $@

# Several notebooks at a time; what fails here runs again, and is reported, where the book is built.
NOTEBOOKS := $(wildcard notebooks/*.ipynb notebooks/*/*.ipynb)
_build/.executed: _build/.package $(NOTEBOOKS)
	@mkdir -p _build/.jupyter_cache
	@$(BIN)/jcache notebook -p _build/.jupyter_cache add $(NOTEBOOKS) >/dev/null
	@$(BIN)/jcache project -p _build/.jupyter_cache execute -e temp-parallel -t 600 >_build/executed.log 2>&1 || true
	@touch $@

book: _build/.executed _build/.extensions ## run every notebook, build the book in _build/html
	@# Warnings show only when a page is read: after a failure, forget the pages, or the next build would pass.
	@$(BIN)/jupyter-book build . -W -n --keep-going || { rm -rf _build/.doctrees; exit 1; }
	@echo "The book is in _build/html. To read it, simulators included: make serve"

serve: book ## serve the book on http://127.0.0.1:8000
	@$(BIN)/python -c 'import socket; socket.create_server(("127.0.0.1", $(PORT))).close()' 2>/dev/null || { \
		echo "Port $(PORT) can't be had; try another: make serve PORT=8001" >&2; exit 1; }
	@echo "The book: http://127.0.0.1:$(PORT) (Ctrl-C ends it)"
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT) 2>/dev/null

lab: .venv/.installed ## open the labs in JupyterLab
	@$(BIN)/jupyter lab notebooks

test: lint book ## lint, unit tests, every notebook against its stored outputs, the book in a browser
	@TQDM_DISABLE=1 $(BIN)/pytest -n 2 --dist loadfile --nbval --nbval-current-env tests notebooks

wheel: .venv/.installed ## every notebook on a wheel in a clean environment, pinned versions and oldest (10 minutes, net)
	@$(BIN)/python -m tests.wheel $(VERSIONS)

lint: .venv/.installed ## ruff, mypy, spelling
	@$(BIN)/codespell
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: .venv/.installed ## put the code in the house's form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: .venv/.installed ## speed, as ratios measured side by side; the simulators' answers, if the book is built
	@$(BIN)/python -m benchmarks
	@$(BIN)/python -m benchmarks.explorables

explorables: ## check the simulators' types and bundle them again (needs Node)
	@cd ttclab/explorables/src && npm ci && npm run build

picture: .venv/.installed ## draw the README's picture again, from the recorded runs
	@$(BIN)/python -c 'from pathlib import Path; from ttclab import figures; \
		figures.samples_as_a_tree().save(Path("book/_static/samples_as_a_tree.svg"))'

clean: ## remove what was built, keep .venv
	@rm -rf _build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

distclean: clean ## remove .venv as well
	@rm -rf .venv
