# The verbs. `make try` is a first chat without Kubernetes; `make up` gives a real Kubernetes with a chat page on 127.0.0.1,
# `make down` takes it away.
.PHONY: try up down test lint generate images page bench bench-fleet audit coverage mutants soak

# On Debian, programs such as iptables lie in folders that a plain `su` leaves out of PATH.
export PATH := $(PATH):/usr/sbin:/sbin

target = $(or $(CARGO_TARGET_DIR),target)

# What the verbs are written in. A first build says what it compiles.
quiet = $(if $(wildcard $(target)/debug/$(1)),--quiet)
run = cargo build $(call quiet,$(1)) --locked --package=$(1) --bin=$(1) && $(target)/debug/$(1)

try:
	@$(call run,builder) local-server
	@$(target)/debug/local-server

up down:
	@$(call run,cluster) $@

# `images`: the page, both programs and both images. Neither starts anything.
images page:
	@$(call run,builder) $@

# Everything that is generated from the code.
generate:
	cargo build --quiet --workspace --locked --bins
	$(target)/debug/chatbox-operator crd > crds/chatbox.yaml
	$(target)/debug/chatbox-operator rbac > operator/rbac.yaml
	$(target)/debug/chatbox schema config > crds/config.schema.json
	$(target)/debug/chatbox schema wire > chatbox/wire.schema.json

test: page
	@.ci/test

lint: page
	@.ci/lint

# What it costs and what it could cost: one table, in at most fifteen minutes. `make bench ARGS="ack memory"` measures
# less, `make bench ARGS="--write docs/performance.md"` keeps the table.
bench bench-fleet: page
	cargo build --quiet --release --workspace --locked --bins
	target/release/bench $(if $(filter bench,$@),run,fleet) $(ARGS)

# Known vulnerabilities, licences, sources.
audit:
	@.ci/audit

# Line coverage of each crate.
coverage: page
	@.ci/coverage

# Changes to pure code that no test notices.
mutants: page
	@.ci/mutants

# Random tests with many seeds.
soak: page
	@.ci/soak
