# One way to run things, on a laptop, on a Pi and in CI. Wants Python 3.11 or newer and make; brings the rest.
#
#   make install        .venv with the `latchkey` command
#   make demo           from camera to MQTT, on the bundled clip; CAMERA=0 takes a webcam
#   make test           everything; ARGS="tests/test_gate.py -x" only that
#   make test-training  what needs PyTorch; ARGS as above
#   make training       .venv-training with `python -m training`: it wants NumPy 2, tflite-runtime NumPy 1
#   make lint           ruff, mypy --strict, shellcheck
#   make format         ruff, rewriting files
#   make bench          how fast it is here
#   make contract       .contract: Home Assistant's MQTT component and AsyncAPI's schema, for the tests that compare
#   make fuzz           feeds every parser that takes bytes from outside; ARGS="--executions 1000000"
#   make clean          away with all that make made
#
# PYTHON=python3.13 makes .venv with that one (after `make clean`) rather than the first that fits: 3.11 is tried first,
# since both TFLite runtimes exist for it. The tests of tflite-runtime are skipped under newer ones.

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
TRAINING := .venv-training
CONTRACT := .contract
SCRIPTS := deploy/install.sh .ci/python .ci/run .ci/tools
PYTHON ?=
CAMERA ?=
ARGS ?=

# Half the time on two cores, where each process keeps to one; what a file makes for all of its tests is made once.
TRAIN_TESTS = OMP_NUM_THREADS=1 $(TRAINING)/bin/python -m pytest tests/training -n 2 --dist loadfile

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo training test test-training lint format bench contract fuzz clean tools

help:
	@sed -n 's/^#   //p' Makefile

install: $(STAMPS)/demo

demo: install
	$(BIN)/latchkey demo $(if $(CAMERA),--camera $(CAMERA)) $(ARGS)

training: $(TRAINING)/installed

test: $(STAMPS)/dev tools $(if $(ARGS),,$(TRAINING)/installed)
	$(BIN)/python -m pytest $(if $(ARGS),$(ARGS),-n 4 --dist worksteal)
	$(if $(ARGS),,$(TRAIN_TESTS))

test-training: $(TRAINING)/installed
	$(if $(ARGS),$(TRAINING)/bin/python -m pytest $(ARGS),$(TRAIN_TESTS))

lint: $(STAMPS)/dev tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@if command -v shellcheck >/dev/null; then set -x; shellcheck $(SCRIPTS); fi

format: $(STAMPS)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install
	$(BIN)/latchkey bench $(ARGS)

contract: $(CONTRACT)/installed

fuzz: $(STAMPS)/dev
	nice -n 19 $(BIN)/python -m tests.fuzz.run $(ARGS)

clean:
	rm -rf $(VENV) $(TRAINING) $(CONTRACT) .axe build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find agent training tests -name __pycache__ -type d -prune -exec rm -rf {} +

# A second run is instant; a change of pyproject.toml installs again.
$(STAMPS)/venv:
	@python=$$(.ci/python $(PYTHON)) && echo "$(VENV): $$("$$python" --version)" && "$$python" -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/demo $(STAMPS)/dev: $(STAMPS)/%: $(STAMPS)/venv pyproject.toml
	@echo "installing into $(VENV) (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

# Apart from the agent: homeassistant pins other versions of what we use. npm has the schemas of AsyncAPI.
$(CONTRACT)/installed: pyproject.toml
	@python=$$(.ci/python python3.11) && "$$python" -m venv $(CONTRACT)
	@$(CONTRACT)/bin/python -m pip install --quiet --disable-pip-version-check $$($(CONTRACT)/bin/python .ci/extra.py homeassistant-test)
	@npm install --silent --prefix $(CONTRACT) @asyncapi/specs@6.11.1
	@touch $@

$(TRAINING)/installed: pyproject.toml
	@python=$$(.ci/python $(PYTHON)) && "$$python" -m venv $(TRAINING)
	@echo "installing into $(TRAINING) (a few minutes the first time)"
	@$(TRAINING)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[training,test]'
	@touch $@

# Programs the tests use, beyond Python.
tools:
	@.ci/tools
