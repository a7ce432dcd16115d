# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prints the Secret web-tls, with a certificate that vouches for itself."""

from __future__ import annotations

import json
import sys

from tests.support.certificates import issue

if __name__ == "__main__":
    leaf = issue("leaf")
    files = {"tls.crt": leaf.pem.decode(), "tls.key": leaf.key_pem.decode(), "ca.crt": leaf.pem.decode()}
    sys.stdout.write(
        json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web-tls"}, "stringData": files})
    )
