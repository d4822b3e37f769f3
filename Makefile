# The verbs. `make try` is a first chat without Kubernetes; `make up` gives a real Kubernetes with a chat page on 127.0.0.1,
# `make down` takes it away.
.PHONY: try up down test lint generate images page bench bench-fleet audit coverage mutants soak

# On Debian, programs such as iptables lie in folders that a plain `su` leaves out of PATH.
export PATH := $(PATH):/usr/sbin:/sbin

target = $(or $(CARGO_TARGET_DIR),target)

# Builds everything else, and says how far it is. The first time cargo says what it compiles.
builder = cargo build $(if $(wildcard $(target)/debug/builder),--quiet) --locked --package=builder && $(target)/debug/builder

try:
	@$(builder) local-server
	@$(target)/debug/local-server

up down:
	@$(builder) cluster
	@$(target)/debug/cluster $@

# `images`: the page, both programs and both images. Neither starts anything.
images page:
	@$(builder) $@

# Everything that is generated from the code.
generate:
	cargo build --quiet --workspace --locked --bins
	$(target)/debug/chatbox-operator crd > crds/chatbox.yaml
	$(target)/debug/chatbox-operator rbac > operator/rbac.yaml
	# Copies, not links: what packs or copies a chart may drop those.
	cp crds/chatbox.yaml charts/chatbox-crds/files/chatbox.yaml
	cp operator/rbac.yaml charts/chatbox-operator/files/rbac.yaml
	$(target)/debug/chatbox schema config > crds/config.schema.json
	$(target)/debug/chatbox schema wire > chatbox/wire.schema.json

test: page
	@.ci/test

lint: page
	@.ci/lint

# What it costs and what it could cost: one table, in at most fifteen minutes. `make bench ARGS="ack memory"` measures
# less, `make bench ARGS="--write docs/performance.md"` keeps the table.
bench bench-fleet: page
	cargo build --quiet --release --workspace --locked --bin=chatbox --bin=chatbox-operator --bin=bench
	$(target)/release/bench $(if $(filter bench,$@),run,fleet) $(ARGS)

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
