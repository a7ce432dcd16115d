# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

PYTHON ?= python3
BENCH := PYTHONPATH=$(CURDIR):$(CURDIR)/.cache/collections python -m bench
COLLECTION := .cache/collections/ansible_collections/messaging/nats

# Set, it has Python compile the Kubernetes client anew in every module: two seconds each time.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/.cache/venv/bin:$(PATH)
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.cache/collections
export ANSIBLE_HOME := $(CURDIR)/.cache/ansible

.PHONY: help demo test venv lint sanity units integration property security hostile cores molecule versions ansible-versions drills sweep screens rights roles lockouts bench bench-deploy bench-roll bench-resources bench-health load kind kind-delete build clean

help: ## show these targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 24

demo: venv kind ## a verified NATS cluster on a kind of its own, with a stream and a message
	@tests/kind/cluster box-image
	@K8S_AUTH_KUBECONFIG=$$(tests/kind/cluster kubeconfig) ansible-playbook --inventory localhost, examples/demo.yml

test: venv ## lint, units, integration, cores and molecule, up to the first that fails
	@MAKE="$(MAKE)" python -m tools.test

lint: venv ## linters and type checks
	@python -m tools.lint

sanity: venv ## ansible-test sanity without ignores, with the ansible-core of the tools (cores: with two others)
	@python -m tools.sanity

units: venv ## unit tests
	@pytest tests/unit -n 2 --cov --cov-report=term --junitxml=.cache/test/units.xml

integration: venv ## tests against real nats-servers on loopback
	@pytest tests/integration -n 3 --dist worksteal --junitxml=.cache/test/integration.xml

property: export PROPERTY_EXAMPLES ?= 2000
property: venv ## any two declarations, one after the other, against a real nats-server: the long campaign
	@pytest tests/integration/test_property.py -n 2 --dist worksteal

security: venv ## who reaches what: the NetworkPolicies of the declarations in docs/network.md, as cyclonus evaluates them
	@pytest tests/security -n 2 --junitxml=.cache/test/security.xml

hostile: export HOSTILE_EXAMPLES ?= 20000
hostile: venv ## generated configurations against nats-server's own parser, and hostile names in every page and template: the long campaign
	@pytest tests/integration/test_nats_conf_parser.py tests/unit/test_hostile_text.py -n 2 --dist worksteal

cores: venv ## sanity and all modules with the oldest and the newest ansible-core that this machine has a Python for
	@PYTHONPATH=$(CURDIR):$(CURDIR)/.cache/collections python -m tools.cores

molecule: venv ## scenarios on a real kind; one of them: make molecule SCENARIO=default
	@python -m tools.molecule $(SCENARIO)

versions: venv ## the modules against each version of nats-server; writes docs/versions.md
	@python -m tools.versions

ansible-versions: venv ## sanity, all modules and every verb on kind with each ansible-core; writes docs/ansible-versions.md
	@PYTHONPATH=$(CURDIR):$(CURDIR)/.cache/collections python -m tools.ansible_versions

drills: venv ## each change to a running cluster under load, whole and killed half-way; writes docs/drills.md
	@$(BENCH).drills $(if $(DRILL),'$(DRILL)')

screens: venv kind ## every command of docs/verbs.md on kind; compares what it prints with tests/screens (RECORD_SCREENS=1 records it)
	@PYTHONPATH=$(CURDIR):$(CURDIR)/.cache/collections python -m tools.run_screens

rights: venv kind ## each verb with exactly the rights of its Role, and with each right taken away once, on kind
	@K8S_AUTH_KUBECONFIG=$$(tests/kind/cluster kubeconfig) pytest tests/security/test_rights.py --junitxml=.cache/test/rights.xml

roles: venv ## examples/rbac and the tables of docs/rights.md, from the table of rights in the code
	@PYTHONPATH=$(CURDIR):$(CURDIR)/.cache/collections python -m tools.rights

lockouts: venv ## every verb while the system account can't be asked; writes docs/lockouts.md
	@$(BENCH).lockouts $(if $(LOCKOUT),'$(LOCKOUT)')

sweep: venv kind ## every verb in every way that Ansible shows and keeps things, searched for secrets; writes docs/secrets.md
	@K8S_AUTH_KUBECONFIG=$$(tests/kind/cluster kubeconfig) python -m tools.sweep

bench: bench-deploy bench-roll bench-resources bench-health ## all benchmarks

bench-deploy: venv kind ## deploy-to-verified beside the official Helm chart
	@bench/run

bench-roll: venv ## every server restarted under load, beside the official Helm chart
	@$(BENCH).roll

bench-resources: venv ## many streams in one task, beside a loop, the nats CLI and nats-py
	@$(BENCH).resources

bench-health: venv ## one verification of three servers, and the report's page in a browser
	@$(BENCH).health

load: ## the load tool, in .cache/load: it counts what is lost, doubled and retried
	@bench/load/build

kind: ## the Kubernetes cluster of the demo
	@tests/kind/cluster up

kind-delete: ## delete the Kubernetes cluster of the demo
	@tests/kind/cluster delete

build: venv ## the artifact for ansible-galaxy, in .cache/build
	@ansible-galaxy collection build --force --output-path .cache/build

venv: $(COLLECTION) ## the tools, in the user's cache
	@tools/venv $(PYTHON)

clean: ## what the targets above made in this checkout; clusters and the user's cache stay
	rm -rf .cache

$(COLLECTION):
	@mkdir -p $(@D) && ln -s ../../../.. $@
