# The commands of this project; each one works on a fresh machine.
#   make run     the lab: router, client, three real servers, the configuration tool
#   make test    every test tier; says what it skipped and why
#   make lint    style, types, layers
#   make bench   the figures of the README, measured here

VENV := .venv/bin

.PHONY: run test lint format bench clean

run:
	@packaging/bootstrap run
	@$(VENV)/piranha lab run

test:
	@packaging/bootstrap test
	@$(VENV)/python -m tests.tiers

lint:
	@packaging/bootstrap test
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	$(VENV)/lint-imports

format:
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .

bench:
	@packaging/bootstrap test
	@$(VENV)/python -m bench

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .lab build dist
