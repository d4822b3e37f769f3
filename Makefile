# The verbs. `make up` gives a real Kubernetes with a chat page on 127.0.0.1, `make down` takes it away.
.PHONY: up down test lint generate images page bench bench-fleet

# On Debian, programs such as iptables lie in folders that a plain `su` leaves out of PATH.
export PATH := $(PATH):/usr/sbin:/sbin

cluster = cargo run --quiet --locked --package=e2e --bin=cluster --

up down:
	@$(cluster) $@

# Builds the page, both programs and both images; starts nothing.
images:
	@$(cluster) build

page:
	@$(cluster) page

# Everything that is generated from the code.
generate:
	cargo build --quiet --workspace --locked --bins
	target/debug/chatbox-operator crd > crds/chatbox.yaml
	target/debug/chatbox-operator rbac > operator/rbac.yaml
	target/debug/chatbox schema > crds/config.schema.json

test: page
	@.ci/test

lint: page
	@.ci/lint

# What it costs and what it could cost: one table, in at most fifteen minutes. `make bench ARGS="ack memory"` measures
# less, `make bench ARGS="--write docs/performance.md"` keeps the table.
bench bench-fleet: page
	cargo build --quiet --release --workspace --locked --bins
	target/release/bench $(if $(filter bench,$@),run,fleet) $(ARGS)
