# headwater: what a person or a machine does with this tree. `make demo` and `make test` work
# from a bare clone; both install what is missing, after naming it.

PROGRAMS = changed classify dedupe embed escalate extract fanout models redact serve sortphotos summarize transcribe

PREFIX ?= /usr/local
CARGO ?= cargo
# What the tests and the demo need: see `models list`.
MODELS = --default

BIN = target/release
MAN = $(PROGRAMS:%=man/%.1)
HAND_WRITTEN_MAN = man/headwater-records.5

# .cargo/config.toml keeps compilers off AMX; one that does not know the flags has no AMX anyway.
NO_AMX = -mno-amx-tile -mno-amx-int8 -mno-amx-bf16
ifneq ($(shell echo | $(CC) $(NO_AMX) -E - >/dev/null 2>&1 && echo known),known)
export CFLAGS_x86_64_unknown_linux_gnu =
export CXXFLAGS_x86_64_unknown_linux_gnu =
endif

.PHONY: all setup build models optional-models demo test lint docs check-docs bench fuzz dist install uninstall clean

all: build

# ---- setting up ------------------------------------------------------------------------------

setup:
	@sh examples/setup.sh

build: setup
	$(CARGO) build --release --locked --workspace --bins

models: build
	$(BIN)/models pull $(MODELS)

# Small ones besides that tests need.
optional-models: models
	$(BIN)/models pull mtcnn

# ---- trying and testing ----------------------------------------------------------------------

demo: models
	@sh examples/demo.sh

# nextest when it is there, cargo's own runner otherwise: the tests are the same. One of them asks
# cargo about all dependencies, those of other systems included, without a network.
test: optional-models
	@$(CARGO) fetch --locked --quiet
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		$(CARGO) nextest run --release --locked --workspace; \
	else \
		$(CARGO) test --release --locked --workspace; \
	fi

lint: setup
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
		$(CARGO) deny --config .deny.toml check bans licenses sources; \
	else \
		echo "lint: cargo-deny is not installed, licences were not checked"; \
	fi

bench: build
	@for script in tests/bench/*.sh; do echo "== $$script"; sh "$$script" || exit 1; done

# Every parser of foreign bytes, TIME seconds each; needs cargo-fuzz (cargo install cargo-fuzz).
fuzz:
	@sh tests/fuzz/run.sh

# ---- documents -------------------------------------------------------------------------------

# The folder that documents are written to: `check-docs` compares a fresh one with the tree.
DOCS = .

docs: build
	@for p in $(PROGRAMS); do \
		$(BIN)/$$p --generate man > $(DOCS)/man/$$p.1 && \
		$(BIN)/$$p --generate bash > $(DOCS)/completions/$$p.bash && \
		$(BIN)/$$p --generate zsh > $(DOCS)/completions/_$$p && \
		$(BIN)/$$p --generate fish > $(DOCS)/completions/$$p.fish || exit 1; \
	done

check-docs: build
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && \
	mkdir "$$fresh/man" "$$fresh/completions" && \
	$(MAKE) --no-print-directory docs DOCS="$$fresh" && \
	cp $(HAND_WRITTEN_MAN) "$$fresh/man/" && \
	diff -ru man "$$fresh/man" && diff -ru completions "$$fresh/completions" || \
	{ echo "check-docs: run 'make docs' and commit what it changes"; exit 1; }
	@if command -v mandoc >/dev/null; then \
		mandoc -T lint -W error man/*.1 man/*.5; \
	else \
		echo "check-docs: mandoc is not installed, the pages were not linted"; \
	fi

# ---- other machines --------------------------------------------------------------------------

# Static programs for old and new x86-64 processors, signed: what fanout sends to machines that
# are not like this one. DIST_BUILDS and DIST_PROGRAMS choose some.
dist: setup
	@DIST_PROGRAMS="$${DIST_PROGRAMS:-$(PROGRAMS)}" CARGO="$(CARGO)" sh examples/dist.sh

# ---- installing ------------------------------------------------------------------------------

install: build
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 \
		$(DESTDIR)$(PREFIX)/share/man/man5 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions \
		$(DESTDIR)$(PREFIX)/share/zsh/site-functions \
		$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	install -m 755 $(PROGRAMS:%=$(BIN)/%) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(MAN) $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 $(HAND_WRITTEN_MAN) $(DESTDIR)$(PREFIX)/share/man/man5
	for p in $(PROGRAMS); do \
		install -m 644 completions/$$p.bash \
			$(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$p && \
		install -m 644 completions/_$$p $(DESTDIR)$(PREFIX)/share/zsh/site-functions && \
		install -m 644 completions/$$p.fish \
			$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d || exit 1; \
	done

uninstall:
	for p in $(PROGRAMS); do \
		rm -f $(DESTDIR)$(PREFIX)/bin/$$p $(DESTDIR)$(PREFIX)/share/man/man1/$$p.1 \
			$(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$p \
			$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_$$p \
			$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/$$p.fish; \
	done
	rm -f $(HAND_WRITTEN_MAN:man/%=$(DESTDIR)$(PREFIX)/share/man/man5/%)

clean:
	$(CARGO) clean
