# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules' documentation says is what their field tables do."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.messaging.nats.plugins.doc_fragments import connection, kubeconfig
from ansible_collections.messaging.nats.plugins.doc_fragments.resource import ModuleDocFragment
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.argument_spec import (
    GUARDS,
    MANAGED,
    OWNER,
    RESETS,
    naming_options,
)
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.consumer import CONSUMER
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.key_value import KV
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.object_store import OBJECT_STORE
from ansible_collections.messaging.nats.plugins.module_utils._jetstream.stream import STREAM
from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.options import KUBECONFIG
from ansible_collections.messaging.nats.plugins.module_utils._nats.module import CONNECTION
from ansible_collections.messaging.nats.plugins.modules import nats_consumer, nats_kv, nats_object_store, nats_stream

ROLE = Path(__file__).resolve().parents[3] / "roles" / "nats_cluster"
MODULES = [(nats_stream, STREAM), (nats_consumer, CONSUMER), (nats_kv, KV), (nats_object_store, OBJECT_STORE)]
SAME = ("type", "choices", "elements", "required", "default", "aliases")


def documented(options):
    return {
        name: {key: option[key] for key in SAME if key in option}
        | ({"options": documented(option["suboptions"])} if "suboptions" in option else {})
        for name, option in options.items()
    }


def declared(specs):
    return {
        name: {key: spec[key] for key in SAME if key in spec}
        | ({"options": declared(spec["options"])} if "options" in spec else {})
        for name, spec in specs.items()
    }


@pytest.mark.parametrize(("module", "resource"), MODULES)
def test_a_modules_options_are_its_fields(module, resource):
    specs = naming_options(resource) | resource.arguments | resource.argument_spec()
    assert documented(yaml.safe_load(module.DOCUMENTATION)["options"]) == declared(specs)


def test_the_shared_options_are_the_guards():
    options = documented(yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"])
    assert options == declared(GUARDS | RESETS | OWNER | {"wait_timeout": {"type": "float", "default": 30}})
    assert documented(yaml.safe_load(ModuleDocFragment.MANAGE)["options"]) == declared(MANAGED)


@pytest.mark.parametrize(("module", "resource"), MODULES)
def test_every_option_says_what_it_is(module, resource):
    for name, option in yaml.safe_load(module.DOCUMENTATION)["options"].items():
        assert option["description"], name


def test_the_options_of_the_kubernetes_api_are_the_same_everywhere():
    assert documented(yaml.safe_load(kubeconfig.ModuleDocFragment.DOCUMENTATION)["options"]) == declared(KUBECONFIG)
    assert documented(yaml.safe_load(connection.ModuleDocFragment.DOCUMENTATION)["options"]) == declared(CONNECTION)
    role = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    options = role["nats_cluster_kubernetes"]["options"]
    # ansible-lint's schema of a role's options knows no aliases.
    spelled = {
        name: {key: value for key, value in spec.items() if key != "aliases"}
        for option, spec in KUBECONFIG.items()
        for name in (option, *spec.get("aliases", ()))
    }
    assert declared(options) == declared(spelled)
    assert {name for name, option in options.items() if option.get("no_log")} == {
        name for name, spec in spelled.items() if spec.get("no_log")
    }
