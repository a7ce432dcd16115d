# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificates of a cluster's own authority: what is kept, and what is issued anew."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography import x509

from ansible_collections.messaging.nats.plugins.module_utils._config import own_authority
from ansible_collections.messaging.nats.plugins.module_utils._config.certificates import (
    CERTIFICATE,
    ListenerFiles,
    PemFile,
    certificate_problems,
    first_certificate,
)
from ansible_collections.messaging.nats.plugins.module_utils._config.own_authority import (
    generation,
    is_due,
    issue,
    names_of,
    new_authority,
    signed_by,
)
from ansible_collections.messaging.nats.plugins.module_utils._config.own_certificates import own_certificates

LEAVES = {f"nats-{number}": [f"nats-{number}.nats.nats.svc.cluster.local"] for number in range(3)}


def secrets(found: dict[str, dict[str, str]] | None) -> list[dict[str, Any]]:
    """The Secrets as the API returns them once they are applied."""

    def secret(name: str, data: dict[str, str]) -> dict[str, Any]:
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
        return {"metadata": {"name": name}, "data": encoded}

    return [secret("ca", found["authority"]), secret("tls", found["files"])] if found else []


def made(before: dict[str, dict[str, str]] | None = None, leaves: Any = None, stage: str = "keep") -> Any:
    return own_certificates(secrets(before), "ca", "tls", leaves or LEAVES, "routes of nats/nats", stage)


def issuers(found: Any) -> list[int]:
    """The generation of the authority that signed each certificate."""
    trusted = [*CERTIFICATE.findall(found["files"]["ca.crt"]), found["authority"]["tls.crt"]]
    return [
        next((generation(pem) for pem in trusted if signed_by(text, pem)), 0)
        for name, text in found["files"].items()
        if name.endswith(".crt") and name != "ca.crt"
    ]


def trusted(found: Any) -> list[int]:
    return [generation(pem) for pem in CERTIFICATE.findall(found["files"]["ca.crt"])]


def test_each_server_has_a_certificate_that_a_server_accepts():
    found = made()
    assert sorted(found["files"]) == ["ca.crt", *sorted(f"{name}.{end}" for name in LEAVES for end in ("crt", "key"))]
    authority = PemFile("ca", found["files"]["ca.crt"].encode())
    for name, names in LEAVES.items():
        certificate = PemFile("crt", found["files"][f"{name}.crt"].encode())
        key = PemFile("key", found["files"][f"{name}.key"].encode())
        assert not certificate_problems(ListenerFiles("cluster", certificate, key, authority, same_ca=True))
        assert names_of(certificate.content.decode()) == set(names)


def test_nothing_changes_while_everything_fits():
    found = made()
    assert found["issued"] == list(LEAVES)
    assert made(found) == found | {"issued": []}


def test_a_new_server_leaves_the_certificates_of_the_others():
    before = made(leaves={name: LEAVES[name] for name in ("nats-0", "nats-1")})
    after = made(before)
    assert {key: after["files"][key] for key in before["files"]} == before["files"]
    assert after["authority"] == before["authority"]
    assert set(after["files"]) - set(before["files"]) == {"nats-2.crt", "nats-2.key"}


def test_the_certificate_of_a_server_that_left_stays_until_the_next_rotation():
    """Without it, the kubelet would write all files of all servers anew."""
    before = made()
    after = made(before, {"nats-0": LEAVES["nats-0"]})
    assert after["files"] == before["files"]
    assert "nats-2.crt" not in made(after, {"nats-0": LEAVES["nats-0"]}, "trust")["files"]


@pytest.mark.parametrize(
    ("key", "text", "renewed"),
    [
        ("nats-1.crt", "", ["nats-1"]),
        ("nats-1.crt", "no certificate", ["nats-1"]),
        ("nats-1.key", "", ["nats-1"]),
        ("nats-1.key", issue(new_authority("x", 1), ["a"]).key, ["nats-1"]),
        ("nats-1.crt", issue(new_authority("x", 1), ["a"]).certificate, ["nats-1"]),
        # Without the bundle there is nothing that the certificates could be verified with, but their authority is known.
        ("ca.crt", "", []),
    ],
)
def test_what_somebody_broke_is_issued_anew(key, text, renewed):
    before = made()
    after = made({"authority": before["authority"], "files": before["files"] | {key: text}})
    assert [name for name in LEAVES if after["files"][f"{name}.crt"] != before["files"][f"{name}.crt"]] == renewed
    assert after["issued"] == renewed
    assert trusted(after) == [1]
    assert issuers(after) == [1, 1, 1]


def test_another_name_of_a_server_needs_another_certificate():
    before = made()
    after = made(before, LEAVES | {"nats-0": ["nats-0.nats.nats.svc.example.org"]})
    # What others may know it by stays, so that a play that does not know the domain takes nothing away.
    assert names_of(after["files"]["nats-0.crt"]) == {"nats-0.nats.nats.svc.example.org", *LEAVES["nats-0"]}
    assert after["files"]["nats-1.crt"] == before["files"]["nats-1.crt"]


def test_a_lost_authority_is_followed_by_another_beside_the_old_one():
    before = made()
    after = made({"authority": {}, "files": before["files"]})
    assert trusted(after) == [1, 2]
    # They stay valid until every server trusts the new authority.
    assert issuers(after) == [1, 1, 1]
    assert after == made(after)


def test_a_rotation_goes_on_where_it_was_killed():
    """Each stage is done twice, as by a play that was killed after it had applied the Secrets."""
    found, seen = made(), []
    for stage in ("trust", "trust", "issue", "issue", "trust", "drop", "drop"):
        found = made(found, stage=stage)
        seen.append((trusted(found), issuers(found)))
    both = [1, 2]
    assert seen == [
        *[(both, [1, 1, 1])] * 2,
        *[(both, [2, 2, 2])] * 3,
        *[([2], [2, 2, 2])] * 2,
    ]
    assert made(found)["files"] == found["files"]
    assert found["signed_by"] == 2
    assert trusted(made(found, stage="trust")) == [2, 3]


def test_an_authority_is_trusted_until_no_certificate_needs_it():
    found = made(made(), stage="trust")
    assert (trusted(made(found, stage="drop")), issuers(made(found, stage="drop"))) == ([1, 2], [2, 2, 2])


def test_generations_can_be_told_apart_by_their_key_identifiers():
    first, second = (first_certificate(new_authority("routes of nats/nats", number).certificate) for number in (1, 2))
    assert first.subject != second.subject
    leaf = first_certificate(issue(new_authority("routes", 1), ["a"]).certificate)
    identifiers = [
        found.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        for found in (first, second, leaf)
    ]
    assert len(set(identifiers)) == 3


@pytest.mark.parametrize(("days", "due"), [(0, False), (480, False), (490, True), (800, True)])
def test_a_certificate_is_due_when_less_than_a_third_of_its_lifetime_is_left(days, due):
    pem = issue(new_authority("routes", 1), ["a"]).certificate
    assert is_due(pem, datetime.now(timezone.utc) + timedelta(days=days)) == due


def test_long_names_fit_a_certificate():
    owner, name = "routes of " + "n" * 63 + "/" + "c" * 40, "n" * 40 + "-0." + "s" * 60 + ".svc.cluster.local"
    authority = new_authority(owner, 12)
    assert generation(authority.certificate) == 12
    assert names_of(issue(authority, [name]).certificate) == {name}


@pytest.mark.parametrize("stage", ["keep", "trust", "issue"])
def test_a_certificate_that_is_due_waits_until_its_authority_is_trusted(monkeypatch, stage):
    """A server that has not loaded the new authority would refuse a certificate of it, and the old one is still good."""
    monkeypatch.setattr(own_authority, "LIFETIME", timedelta(minutes=10))
    due = made()
    monkeypatch.undo()
    found = made(due, stage=stage)
    assert bool(found["issued"]) is (stage != "trust")
    if stage == "trust":
        assert (trusted(found), issuers(found)) == ([1, 2], [1, 1, 1])
        assert issuers(made(found, stage="issue")) == [2, 2, 2]


def test_an_authority_near_its_end_is_due(monkeypatch):
    monkeypatch.setattr(own_authority, "AUTHORITY_LIFETIME", timedelta(minutes=10))
    old = made()
    assert old["authority_is_due"] is True
    monkeypatch.undo()
    later = datetime.now(timezone.utc) + timedelta(minutes=11)
    assert own_authority.is_expired(old["authority"]["tls.crt"], later)
    assert made()["authority_is_due"] is False
