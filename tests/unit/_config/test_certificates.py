# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which certificate, key and CA files are refused, and with which sentence."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization

from ansible_collections.messaging.nats.plugins.module_utils._config.certificates import (
    ListenerFiles,
    PemFile,
    certificate_problems,
    sentences,
    stand_in,
)
from tests.support.certificates import issue

DAY = timedelta(days=1)
CA, OTHER_CA = issue("ca", ca=True), issue("other ca", ca=True)
SAME_NAME_CA = issue("ca", ca=True)
OLD_CA = issue("old ca", ca=True, begins=-9 * DAY, ends=-DAY)
NO_CA = issue("no ca")
INTERMEDIATE = issue("intermediate", CA, ca=True)
OLD_INTERMEDIATE = issue("intermediate", CA, ca=True, begins=-9 * DAY, ends=-DAY)
LEAF = issue("leaf", CA)
SELF_SIGNED = issue("alone")
EXPIRED = issue("leaf", CA, begins=-9 * DAY, ends=-DAY)
FUTURE = issue("leaf", CA, begins=2 * DAY, ends=9 * DAY)
JUST_ISSUED = issue("leaf", CA, begins=timedelta(minutes=1))
BELOW_INTERMEDIATE = issue("leaf", INTERMEDIATE)
BELOW_OLD_INTERMEDIATE = issue("leaf", OLD_INTERMEDIATE)
OF_OLD_CA = issue("leaf", OLD_CA)
FUTURE_CA = issue("future ca", ca=True, begins=2 * DAY)
OF_FUTURE_CA = issue("leaf", FUTURE_CA)
OF_NO_CA = issue("leaf", NO_CA)
NAMED = issue("leaf", CA, names=("*.nats.svc",))
JUNK = b"-----BEGIN CERTIFICATE-----\nanVuaw==\n-----END CERTIFICATE-----\n"
PARAMETERS = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
ENCRYPTED = LEAF.key.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"S3cret")
)
OPENSSL = LEAF.key.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)


def problems(certificate=None, key=None, ca=None, same_ca=True, names=()):
    def file(name, content):
        return None if content is None else PemFile(f"{name} of Secret web-tls", content)

    given = file("tls.crt", certificate), file("tls.key", key), file("ca.crt", ca)
    files = ListenerFiles("websocket", *given, same_ca=same_ca, names=names)
    return certificate_problems(files)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"certificate": LEAF.pem},
        {"certificate": LEAF.pem, "key": LEAF.key_pem, "ca": CA.pem},
        {"certificate": LEAF.pem, "key": PARAMETERS + OPENSSL, "ca": CA.pem},
        {"certificate": LEAF.pem + LEAF.key_pem, "key": LEAF.pem + LEAF.key_pem},
        {"certificate": JUST_ISSUED.pem, "key": JUST_ISSUED.key_pem, "ca": CA.pem},
        {"certificate": LEAF.pem, "ca": OTHER_CA.pem + OLD_CA.pem + CA.pem},
        {"certificate": LEAF.pem, "ca": SAME_NAME_CA.pem + CA.pem},
        {"certificate": LEAF.pem, "ca": JUNK + CA.pem},
        {"certificate": LEAF.pem, "ca": OTHER_CA.pem, "same_ca": False},
        {"certificate": SELF_SIGNED.pem, "ca": SELF_SIGNED.pem},
        {"certificate": BELOW_INTERMEDIATE.pem + INTERMEDIATE.pem, "ca": CA.pem},
        {"certificate": BELOW_INTERMEDIATE.pem, "ca": INTERMEDIATE.pem},
        {"certificate": LEAF.pem + CA.pem, "ca": CA.pem},
        {"ca": CA.pem},
        {"key": LEAF.key_pem},
        {"certificate": LEAF.pem, "names": ("localhost",)},
        {"certificate": NAMED.pem, "names": ("nats-0.nats.svc", "NATS-1.nats.svc.")},
    ],
)
def test_files_that_can_work_are_taken(files):
    assert problems(**files) == []


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"certificate": EXPIRED.pem},
            r"tls\.crt of Secret web-tls, for listener websocket: the certificate CN=leaf expired on 20",
        ),
        ({"certificate": FUTURE.pem}, r"tls\.crt .* the certificate CN=leaf is not valid before 20"),
        ({"certificate": b""}, r"tls\.crt .* is not a valid PEM certificate"),
        ({"certificate": LEAF.key_pem}, r"tls\.crt .* is not a valid PEM certificate"),
        ({"certificate": JUNK}, r"tls\.crt .* is not a valid PEM certificate"),
        ({"certificate": LEAF.pem + JUNK}, r"tls\.crt .* is not a valid PEM certificate"),
        ({"certificate": b"\xff\x00"}, r"tls\.crt .* is not a valid PEM certificate"),
        ({"key": LEAF.pem}, r"tls\.key .* is not a valid PEM private key"),
        ({"key": ENCRYPTED}, r"tls\.key .* is encrypted, and nats-server can't read encrypted keys"),
        ({"ca": b"\n"}, r"ca\.crt .* holds no valid PEM certificate"),
        ({"ca": JUNK}, r"ca\.crt .* holds no valid PEM certificate"),
        (
            {"certificate": LEAF.pem, "key": EXPIRED.key_pem},
            r"tls\.key .* is not the key of the certificate CN=leaf in tls\.crt of Secret web-tls",
        ),
        (
            {"certificate": LEAF.pem, "ca": OTHER_CA.pem},
            r"tls\.crt .* CN=leaf is not signed by any certificate in ca\.crt of Secret web-tls",
        ),
        ({"certificate": LEAF.pem, "ca": SAME_NAME_CA.pem}, r"tls\.crt .* is not signed by any certificate in ca\.crt"),
        (
            {"certificate": BELOW_INTERMEDIATE.pem, "ca": CA.pem},
            r"tls\.crt .* is not signed by any certificate in ca\.crt",
        ),
        ({"certificate": OF_NO_CA.pem, "ca": NO_CA.pem}, r"tls\.crt .* is not signed by any certificate in ca\.crt"),
        (
            {"certificate": OF_OLD_CA.pem, "ca": CA.pem + OLD_CA.pem},
            r"ca\.crt .* the CA certificate CN=old ca expired on 20",
        ),
        (
            {"certificate": OF_FUTURE_CA.pem, "ca": FUTURE_CA.pem},
            r"ca\.crt .* the CA certificate CN=future ca is not valid before 20",
        ),
        (
            {"certificate": LEAF.pem, "names": ("nats-0.nats.svc", "localhost")},
            r"tls\.crt .* the certificate CN=leaf is not valid for nats-0\.nats\.svc, and other servers connect by that name",
        ),
        (
            {"certificate": NAMED.pem, "names": ("a.nats-0.nats.svc",)},
            r"tls\.crt .* is not valid for a\.nats-0\.nats\.svc",
        ),
        (
            {"certificate": BELOW_OLD_INTERMEDIATE.pem + OLD_INTERMEDIATE.pem, "ca": CA.pem},
            r"tls\.crt .* the intermediate certificate CN=intermediate expired on 20",
        ),
    ],
)
def test_files_that_can_not_work_are_refused_by_name_and_cause(files, said):
    (sentence,) = sentences(problems(**files))
    assert re.search(said, sentence)
    assert "S3cret" not in sentence


def test_each_thing_that_is_wrong_is_told():
    told = sentences(problems(certificate=EXPIRED.pem, key=LEAF.key_pem, ca=OTHER_CA.pem))
    assert [sentence.partition(" of ")[0] for sentence in told] == ["tls.crt", "tls.key", "tls.crt"]


def test_only_the_listeners_own_certificate_tells_when_it_expired():
    assert [problem.expired for problem in problems(certificate=EXPIRED.pem)] == [EXPIRED.ends]
    assert [problem.expired for problem in problems(certificate=LEAF.pem + OLD_CA.pem)] == [""]


def test_a_stand_in_is_a_certificate_with_its_key():
    files = stand_in()
    certificate, key = (PemFile(name, files[name]) for name in ("tls.crt", "tls.key"))
    assert list(certificate_problems(ListenerFiles("websocket", certificate, key, None, False))) == []
