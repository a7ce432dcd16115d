# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the Kubernetes API, and their environment variables."""

from __future__ import annotations

import pytest

from ansible_collections.messaging.nats.plugins.module_utils._kubernetes.options import resolve


@pytest.mark.parametrize(
    ("options", "environ", "found"),
    [
        ({}, {}, {"proxy_headers": {}}),
        ({"host": "h"}, {"K8S_AUTH_HOST": "e"}, {"host": "h"}),
        ({"host": None}, {"K8S_AUTH_HOST": "e"}, {"host": "e"}),
        ({"context": ""}, {"K8S_AUTH_CONTEXT": "e"}, {"context": ""}),
        ({}, {"K8S_AUTH_VERIFY_SSL": "No"}, {"validate_certs": False}),
        ({}, {"K8S_AUTH_VERIFY_SSL": "off"}, {"validate_certs": True}),
        ({}, {"K8S_AUTH_VALIDATE_CERTS": "0", "K8S_AUTH_VERIFY_SSL": "1"}, {"validate_certs": False}),
        ({"validate_certs": False}, {"K8S_AUTH_VERIFY_SSL": "1"}, {"validate_certs": False}),
        ({"verify_ssl": False}, {}, {"validate_certs": False}),
        ({}, {"K8S_AUTH_CA_CERT": "", "K8S_AUTH_SSL_CA_CERT": "f"}, {"ca_cert": "f"}),
        ({}, {"K8S_AUTH_IMPERSONATE_GROUPS": "a,,b"}, {"impersonate_groups": ["a", "b"]}),
        ({}, {"K8S_AUTH_PROXY_HEADERS_USER_AGENT": "u"}, {"proxy_headers": {"user_agent": "u"}}),
        ({"namespace": "n", "state": "present"}, {}, {}),
    ],
)
def test_an_option_beats_its_variable(options, environ, found):
    assert resolve(options, environ) == {"proxy_headers": {}} | found
