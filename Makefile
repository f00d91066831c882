# make demo   a first comparison of rules, with a table and a figure in demo/
# make test   the whole test suite, but for exchange with programs that are not there
# make exchange   the tests of exchange, with PyTorch and ONNX, which are large
# make peers   the tests of the programs that the library is timed beside, with JAX, PyTorch and braintrace
# make bench   the library beside them all, an hour or two; goes on where it stopped. Remove build/peers.csv to begin anew
# make long   a million steps of every rule
# make count  instructions of every learner's step, beside what they were
# make levels the laws on another instruction set, chosen at import as from a wheel
# make wheel  a wheel in dist/ for every x86-64 processor, which takes the best of three builds of the core at import
# make lint   linters, types, and the extension's stub against the extension
# make cpp    the C++ tests; make sanitize runs them, and the laws, under ASan and UBSan
#
# Everything is set up in .venv; only Python >= 3.11, a C++ compiler and make are needed.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SOURCES := $(shell find cpp python -type f \( -name '*.?pp' -o -name '*.py' -o -name '*.pyi' \)) \
           CMakeLists.txt cmake/digest.cmake pyproject.toml

.PHONY: count levels wheel demo test exchange peers bench long lint cpp sanitize clean \
        builds build-cpp build-count build-sanitize

demo: $(VENV)/.installed
	$(BIN)/axonomy table
	$(BIN)/axonomy demo --out demo --force

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n auto --dist worksteal

exchange: $(VENV)/.exchange
	$(BIN)/python -c 'import torch, onnx, onnxruntime' # or the tests would be skipped
	$(BIN)/python -m pytest tests/exchange

peers: $(VENV)/.peers
	$(BIN)/python -c 'import torch, jax, braintrace' # or the tests would be skipped
	$(BIN)/python -m pytest -n auto --dist worksteal tests/bench

# The two variables of OpenBLAS, where they are set, may choose kernels that are not this machine's best.
bench: $(VENV)/.peers
	env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE OMP_NUM_THREADS=1 \
	  $(BIN)/axonomy bench --peers all --hidden 32,128,256,512 --dtype both --out build/peers.csv

long: $(VENV)/.installed
	AXONOMY_LONG_STEPS=1000000 $(BIN)/python -m pytest tests/trainer/test_long.py --durations=5

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest axonomy._core --allowlist tests/stubtest_allowlist.txt

cpp: build-cpp
	$(BIN)/ctest --parallel 2 --test-dir build/cpp --output-on-failure
	$(BIN)/python tests/cpp/declared.py build/cpp/tests/cpp/count_work

count: build-count
	$(BIN)/python bench/instructions/guard.py build/count/bench/instructions/count_instructions

# One level with AVX2; make test is of this machine's own, make sanitize of the least.
levels: $(VENV)/.lint
	.ci/cpp build/levels -DAXONOMY_LEVELS=x86-64-v3
	.ci/leveled build/levels x86-64-v3

wheel: $(VENV)/.made
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist \
	  -C "cmake.define.AXONOMY_LEVELS=x86-64;x86-64-v3;x86-64-v4" .

sanitize: build-sanitize
	$(BIN)/ctest --parallel 2 --test-dir build/sanitize --output-on-failure
	.ci/sanitized build/sanitize

# What the last three compile: .ci/run has it done beside what leaves a core idle.
builds: build-cpp build-count build-sanitize

build-cpp: $(VENV)/.lint
	.ci/cpp build/cpp -DAXONOMY_CPP_TESTS=ON -DAXONOMY_PYTHON=OFF

build-count: $(VENV)/.lint
	.ci/cpp build/count -DAXONOMY_LEVELS=x86-64-v3 -DAXONOMY_COUNT=ON -DAXONOMY_PYTHON=OFF

build-sanitize: $(VENV)/.lint
	.ci/cpp build/sanitize -DAXONOMY_CPP_TESTS=ON -DAXONOMY_SANITIZE=ON -DAXONOMY_NATIVE=OFF \
	  -DCMAKE_BUILD_TYPE=RelWithDebInfo \
	  "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -g1"

clean:
	rm -rf build dist $(VENV) demo

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "axonomy needs Python 3.11 or later; say which with: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

$(VENV)/.installed: $(VENV)/.made $(SOURCES)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check '.[test]'
	touch $@

# The packages of extras alone: to name an extra of this folder would build it once more.
requirements = $(BIN)/python -c 'import sys, tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; print(*(line for name in sys.argv[1:] for line in extras[name] if not line.startswith("axonomy")), sep="\n")'

$(VENV)/.lint: $(VENV)/.installed
	$(requirements) lint > $(VENV)/lint.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(VENV)/lint.txt
	touch $@

# One version of torch, the one that the tolerances were seen with.
$(VENV)/.exchange: $(VENV)/.installed
	$(requirements) torch onnx exchange > $(VENV)/exchange.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(VENV)/exchange.txt torch==2.13.0
	touch $@

$(VENV)/.peers: $(VENV)/.installed
	$(requirements) torch jax braintrace > $(VENV)/peers.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(VENV)/peers.txt
	touch $@
