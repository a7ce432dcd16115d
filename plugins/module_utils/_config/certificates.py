# Copyright (c) 2026, the messaging.nats authors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

"""Checks a listener's certificate, key and CA files. Pure: it does no I/O. PRIVATE to the collection: it can change at any time.

A server loads an expired certificate without an error, and then nobody can connect. So each file is checked before a server gets it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
except ImportError:
    HAS_CRYPTOGRAPHY = False
else:
    HAS_CRYPTOGRAPHY = True

CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
PRIVATE_KEY = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.+?-----END \1-----", re.DOTALL)
# A certificate that was issued just now may begin in the future, if the issuer's clock is ahead of this machine's.
CLOCK_TOLERANCE = timedelta(minutes=5)
# Listeners whose names in the server's VARZ differ from those in nats.conf.
VARZ_NAMES = {"tls": "client", "leaf": "leafnodes"}
# Longer chains do not occur in practice.
MAX_CHAIN_LENGTH = 8


@dataclass(frozen=True)
class PemFile:
    """A file of a listener. `origin` says where it comes from: `tls.crt of Secret web-tls`."""

    origin: str
    content: bytes


@dataclass(frozen=True)
class ListenerFiles:
    """The files of one `tls` block. A file that could not be read is None, and is not checked."""

    # Its name in the server's VARZ; `tls` is the listener for clients.
    listener: str
    certificate: PemFile | None = None
    key: PemFile | None = None
    ca: PemFile | None = None
    # Whether the CA of this block must have signed the certificate: peers verify it with this CA, or both are in one Secret.
    same_ca: bool = False
    # The names by which others connect to it and verify the certificate.
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class CertificateProblem:
    listener: str
    sentence: str
    # The time at which the listener's own certificate expired; empty for any other problem.
    expired: str = ""


@dataclass(frozen=True)
class _Chain:
    """The certificate of a listener, the intermediate ones beside it, and those of the CA file."""

    leaf: Any
    intermediates: list[Any]
    authorities: list[Any]


def certificate_problems(files: ListenerFiles, now: datetime | None = None) -> list[CertificateProblem]:
    """The problems of the files of one listener."""
    return list(_problems(files, now or datetime.now(timezone.utc)))


def not_after(certificate: Any) -> str:
    """The end of a certificate's validity, in the server's format."""
    return f"{ends(certificate):%Y-%m-%dT%H:%M:%SZ}"


def first_certificate(pem: str) -> Any:
    """The certificate that a server with this file presents; None where there is no valid one."""
    found = CERTIFICATE.search(pem)
    try:
        return x509.load_pem_x509_certificate(found[0].encode()) if found else None
    except ValueError:
        return None


def same_certificate(pem: str, other: str) -> bool:
    """Whether two files begin with the same certificate."""
    first = first_certificate(pem)
    return first is not None and first == first_certificate(other)


def key_fits(key: str, certificate: str) -> bool:
    """Whether this is the private key of the first certificate of a file."""
    read, problem = _key(PemFile("", key.encode()))
    leaf = first_certificate(certificate)
    return not problem and leaf is not None and _public(read.public_key()) == _public(leaf.public_key())


def _problems(files: ListenerFiles, now: datetime) -> Iterator[CertificateProblem]:
    chain, authorities = _all(files.certificate), _all(files.ca)
    if files.certificate and (not chain or None in chain):
        yield _problem(files, files.certificate, "it is not a valid PEM certificate")
    if files.ca and not any(authorities):
        yield _problem(files, files.ca, "it holds no valid PEM certificate")
    key, key_problem = _key(files.key)
    if files.key and key_problem:
        yield _problem(files, files.key, key_problem)
    if not files.certificate or not chain or None in chain:
        return
    leaf, *intermediates = chain
    for certificate in chain:
        yield from _out_of_date(files, files.certificate, certificate, now, is_leaf=certificate is leaf)
    if files.key and key is not None and _public(key.public_key()) != _public(leaf.public_key()):
        yield _problem(
            files, files.key, f"it is not the key of the certificate {_name(leaf)} in {files.certificate.origin}"
        )
    if missing := [name for name in files.names if not _is_valid_for(leaf, name)]:
        cause = f"the certificate {_name(leaf)} is not valid for {', '.join(missing)}, and other servers connect by that name"
        yield _problem(files, files.certificate, cause)
    if files.ca and files.same_ca and any(authorities):
        readable = [authority for authority in authorities if authority]
        yield from _not_signed(files, files.certificate, files.ca, _Chain(leaf, intermediates, readable), now)


def dns_names(certificate: Any) -> set[str]:
    """The DNS names that a certificate is valid for."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return set()
    return {*map(str.lower, extension.value.get_values_for_type(x509.DNSName))}


def _is_valid_for(certificate: Any, name: str) -> bool:
    """Whether it has this name, or a wildcard in place of the first label."""
    wanted = name.lower().rstrip(".")
    return bool({wanted, f"*.{wanted.partition('.')[2]}"} & dns_names(certificate))


def _problem(files: ListenerFiles, file: PemFile, cause: str, expired: str = "") -> CertificateProblem:
    listener = VARZ_NAMES.get(files.listener, files.listener)
    return CertificateProblem(files.listener, f"{file.origin}, for listener {listener}: {cause}", expired)


def _out_of_date(
    files: ListenerFiles, file: PemFile, certificate: Any, now: datetime, is_leaf: bool
) -> Iterator[CertificateProblem]:
    which = f"the certificate {_name(certificate)}" if is_leaf else f"the intermediate certificate {_name(certificate)}"
    if ends(certificate) <= now:
        cause = f"{which} expired on {not_after(certificate)}"
        yield _problem(files, file, cause, not_after(certificate) if is_leaf else "")
    if begins(certificate) > now + CLOCK_TOLERANCE:
        yield _problem(files, file, f"{which} is not valid before {begins(certificate):%Y-%m-%dT%H:%M:%SZ}")


def _not_signed(
    files: ListenerFiles, file: PemFile, ca: PemFile, chain: _Chain, now: datetime
) -> Iterator[CertificateProblem]:
    """The problem where no valid certificate of the CA file has signed the certificate."""
    leaf = chain.leaf
    roots = list(_roots(chain))
    if not roots:
        cause = f"the certificate {_name(leaf)} is not signed by any certificate in {ca.origin}"
        yield _problem(files, file, cause)
    elif not any(root == leaf or ends(root) > now >= begins(root) - CLOCK_TOLERANCE for root in roots):
        root = roots[0]
        when = (
            f"expired on {not_after(root)}"
            if ends(root) <= now
            else f"is not valid before {begins(root):%Y-%m-%dT%H:%M:%SZ}"
        )
        yield _problem(files, ca, f"the CA certificate {_name(root)} {when}")


def _roots(chain: _Chain) -> Iterator[Any]:
    """The certificates of the CA file that a chain of signatures leads to, expired ones too."""
    reached, position = [chain.leaf], 0
    while position < len(reached) <= MAX_CHAIN_LENGTH * (1 + len(chain.intermediates)):
        certificate = reached[position]
        position += 1
        if certificate in chain.authorities:
            yield certificate
            continue
        yield from (authority for authority in chain.authorities if is_signed_by(certificate, authority))
        reached += [
            issuer for issuer in chain.intermediates if issuer not in reached and is_signed_by(certificate, issuer)
        ]


def is_signed_by(certificate: Any, issuer: Any) -> bool:
    """Whether the issuer is an authority, and has signed the certificate."""
    if certificate.issuer != issuer.subject or not _is_ca(issuer):
        return False
    if not hasattr(certificate, "verify_directly_issued_by"):  # cryptography before 40
        return True
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def _is_ca(certificate: Any) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return bool(certificate.version == x509.Version.v1)
    except ValueError:  # an invalid extension
        return False


def _all(file: PemFile | None) -> list[Any]:
    """The certificates of a file, with None for each invalid one."""
    text = file.content.decode(errors="replace") if file else ""
    return [first_certificate(found) for found in CERTIFICATE.findall(text)]


def _key(file: PemFile | None) -> tuple[Any, str]:
    """The private key, and what is wrong with it; one of the two is empty."""
    found = PRIVATE_KEY.search(file.content.decode(errors="replace")) if file else None
    if found is None:
        return None, "it is not a valid PEM private key"
    try:
        return serialization.load_pem_private_key(found[0].encode(), None), ""
    except TypeError:
        return None, "it is encrypted, and nats-server can't read encrypted keys"
    except (ValueError, UnsupportedAlgorithm):
        return None, "it is not a valid PEM private key"


def _public(key: Any) -> bytes:
    found: bytes = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return found


def _name(certificate: Any) -> str:
    return certificate.subject.rfc4514_string() or f"with serial number {certificate.serial_number:x}"


def ends(certificate: Any) -> datetime:
    """The end of a certificate's validity."""
    # Before version 42, cryptography returns times without a zone.
    found: datetime = getattr(certificate, "not_valid_after_utc", None) or certificate.not_valid_after
    return found.replace(tzinfo=timezone.utc)


def begins(certificate: Any) -> datetime:
    """The beginning of a certificate's validity."""
    found: datetime = getattr(certificate, "not_valid_before_utc", None) or certificate.not_valid_before
    return found.replace(tzinfo=timezone.utc)


def sentences(problems: Iterable[CertificateProblem]) -> list[str]:
    """The sentences without repetitions, since all servers have the same files."""
    return list(dict.fromkeys(problem.sentence for problem in problems))


def stand_in() -> dict[str, bytes]:
    """The files of a certificate that vouches for itself, to check a configuration with before the real one is issued."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(timezone.utc)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stand-in")])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    made = builder.not_valid_before(now).not_valid_after(now + timedelta(hours=1)).sign(key, hashes.SHA256())
    pem = made.public_bytes(serialization.Encoding.PEM)
    form, secrecy = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return {
        "tls.crt": pem,
        "tls.key": key.private_bytes(serialization.Encoding.PEM, form, secrecy),
        "ca.crt": pem,
    }
