# `make help` lists what can be done. Settings (PORT, DATABASE_URL, …) stand in the README; each may be given here
# too: make run PORT=9000.
PYTHON ?= python3
VENV := .venv/bin
FLASK := $(VENV)/flask --app wsgi

.DEFAULT_GOAL := help
.PHONY: help run test check bench build messages settings format lock

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  make %-9s %s\n' "$$name" "$$text"; done

run: ## install what is missing, migrate, load the demo into an empty database, start web server and worker
	@$(PYTHON) tools/prepare.py run
	@$(FLASK) db upgrade
	@$(FLASK) demo load --if-empty
	@exec $(FLASK) serve

test: ## every lane of tests, or one: make test LANE=fast (fast, postgresql, e2e, crash) ARGS="-k order"
	@$(PYTHON) tools/prepare.py test
	@exec $(VENV)/python tools/lanes.py $(LANE) -- $(ARGS)

check: ## style, types, import contract, templates, catalogues, migrations, or one: make check PART=types
	@$(PYTHON) tools/prepare.py test
	@exec $(VENV)/python tools/check.py $(PART)

bench: ## measure, or one part: make bench PART=pages
	@$(PYTHON) tools/prepare.py test
	@exec $(VENV)/python -m bench $(PART)

build: ## static files and translations only
	@$(PYTHON) tools/prepare.py run

messages: ## bring the message catalogues up to date with the code (PRUNE=1 drops what it no longer says)
	@$(PYTHON) tools/prepare.py test
	@$(VENV)/python tools/catalogues.py update $(if $(PRUNE),--prune)

settings: ## write the table of settings into the README
	@$(PYTHON) tools/prepare.py run
	@$(VENV)/python tools/settings_table.py write

format: ## lay out the Python code
	@$(PYTHON) tools/prepare.py test
	@$(VENV)/ruff check --fix --quiet . ; $(VENV)/ruff format .

lock: ## choose the newest Python packages that requirements/*.in allow, with hashes and without index addresses
	@$(PYTHON) tools/prepare.py test
	@for name in runtime dev node; do \
	  $(VENV)/pip-compile --quiet --upgrade --strip-extras --generate-hashes --allow-unsafe --no-header \
	    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
	    --output-file requirements/$$name.txt requirements/$$name.in || exit 1; \
	done
