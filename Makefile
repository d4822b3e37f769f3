# The verbs. `make up` gives a real Kubernetes with a chat page on 127.0.0.1, `make down` takes it away.
.PHONY: up down test lint generate images page

# On Debian, programs such as iptables lie in folders that a plain `su` leaves out of PATH.
export PATH := $(PATH):/usr/sbin:/sbin

# Without --package: the features are then those of the whole workspace, and nothing is built twice.
run = cargo run --quiet --locked

up down:
	@$(run) --bin=cluster -- $@

# `images`: the page, both programs and both images. Neither starts anything.
images page:
	@$(run) --bin=builder -- $@

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
