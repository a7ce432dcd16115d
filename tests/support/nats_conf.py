# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nats-server's own parser of configurations, and generated configurations for it: as data, and as text that a person could write."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

BUILD = Path(__file__).resolve().parent / "nats_conf_parser" / "build"
# What the environment of the parser holds: the server parses the value of a variable as if it stood in the file.
ENVIRONMENT = {"OF_THE_ENVIRONMENT": "nats-0"}
# Text that means something to the server, to Jinja or to a template of ours where it is not quoted.
WORDS = (
    *("$HOME", "$2a$11$abc", "2a$", "$", "#", "# x", "//", "// x", "/", "include", "include x.conf", "{{ x }}", "{% x %}", "{", "}"),
    *("[", "]", "(", "(\n)\n", ")", ",", ";", ":", "=", "\\", "\\\\", "\\n", "\\x41", '"', "'", '"\n', "\n", "\r\n", "\t", " ", "\x00"),
    *("true", "off", "null", "~", "10k", "10KB", "1e5", "01", "-1", "1.5", "2s", "1.2.3.4:5", "2020-01-01T00:00:00Z", "2020-", "-", "!x"),
    *("\u2028", "\u0085", "\xa0", "\ufeff", "\u202e", "\x1b[2J", "\x7f", "é", "中", "😀", "\ud800"),
)  # fmt: skip
WORD = st.sampled_from(WORDS)
TEXT = st.lists(WORD | st.text(max_size=4), max_size=4).map("".join)
BARE = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,6}", fullmatch=True)
KEY = BARE | TEXT | st.integers(-5, 5) | st.booleans()
NUMBER = st.integers(-(2**64), 2**64) | st.integers(-9, 9) | st.floats() | st.sampled_from([0.1, 1e-5, 1e20, 5e-324])
SCALAR = TEXT | st.booleans() | NUMBER
REFERENCE = st.just({"$env": "OF_THE_ENVIRONMENT"})
VALUE = st.recursive(
    SCALAR | REFERENCE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner | st.none(), max_size=4),
    max_leaves=16,
)
DATA = st.dictionaries(KEY, VALUE | st.none(), max_size=5)


class Refused(Exception):
    """The server's parser does not accept a text."""


class Parser:
    """One process of nats-server's parser, which is asked many times."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def read(self, text: str) -> dict[str, Any]:
        """What the server reads. Raises Refused where it would not start."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise Refused(answer["error"])
        found: dict[str, Any] = untagged(answer.get("data", {}))
        return found

    def close(self) -> None:
        self._process.communicate()


def parser() -> Parser:
    """A parser, to be closed when it is needed no more."""
    program = subprocess.run([str(BUILD)], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return Parser(
        subprocess.Popen([program], env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    )


def untagged(value: Any) -> Any:
    """The data of an answer, in Python's own types."""
    if isinstance(value, dict):
        return {key: untagged(item) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    kind, content = value
    if kind == "list":
        return [untagged(item) for item in content]
    if kind == "time":
        return datetime.fromisoformat(content.replace("Z", "+00:00")).astimezone(timezone.utc)
    return int(content) if kind == "int" else float.fromhex(content)


def meant(data: Any) -> Any:
    """What the server has to read of data that was written: no nulls, text as keys, variables resolved."""
    if isinstance(data, Mapping):
        if set(data) == {"$env"}:
            return ENVIRONMENT[data["$env"]]
        return {str(name): meant(item) for name, item in data.items() if item is not None}
    if isinstance(data, list):
        return [meant(item) for item in data]
    return data


def same(one: Any, other: Any) -> bool:
    """Equality that tells 1 from True and from 1.0."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(item, other[key]) for key, item in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    return type(one) is type(other) and one == other


@dataclass(frozen=True)
class Part:
    """A piece of a hand-written configuration, and what of the language our reader does not know is in it."""

    text: str
    unknown: frozenset[str] = frozenset()

    def __add__(self, other: Part) -> Part:
        return Part(self.text + other.text, self.unknown | other.unknown)


def parts(known: tuple[str, ...], **unknown: tuple[str, ...]) -> st.SearchStrategy[Part]:
    """Texts that the reader knows, and more seldom others, which are named by what they are."""
    others = [Part(text, frozenset({name})) for name, texts in unknown.items() for text in texts]
    times = 15 * len(others) // len(known) + 1
    return st.sampled_from([Part(text) for text in known] * times + others)


KEYS = parts(
    ("a", "b", "c_d", "A-1", '"a b"', "'say \"x\"'", '"include"', '"{{ x }}"', '"$HOME"', '"#"', "true"),
    bare_key=("a.b", "a*", "$a", "1st", "é"),
    key_with_backslash=('"a\\"',),
    include=("include",),
    shadowing_key=("OF_THE_ENVIRONMENT",),
)
COLONS = parts(
    (": ", ":", " : ", ":  "), equals=(" = ", "="), space=(" ",), tab=(":\t",), newline_before_value=(":\n",)
)
SIMPLE = parts(
    ("0", "12", "-1", "0.5", "-2.25", "true", "false", '"x"', '"$HOME"', '"# // {"', '"\\\\ \\""', '"a\nb"', '"é\u2028"', "$OF_THE_ENVIRONMENT"),
    size=("10k", "1GB", "5MiB", "-1K"),
    word=("word", "nats://x:1", "2s", "{{x}}", "1e5"),
    address=("127.0.0.1:4222", "0.0.0.0"),
    truth=("yes", "OFF", "True", "on", "no"),
    single_quotes=("'x'", "'a\nb'"),
    escape=('"\\n"', '"\\t"', '"\\r"', '"\\x41"'),
    date=("2020-01-01T00:00:00Z",),
    parentheses=("(\nblock\n)",),
    hash_reference=("$2a$11$abc",),
)  # fmt: skip
ENDS = parts(
    ("\n", "\n\n", " \n"),
    comment=(" # x\n", " // x\n", "\n# x\n", "\n// x\n"),
    semicolon=(";\n",),
    tab=("\t\n",),
    carriage_return=("\r\n",),
)
COMMAS = parts((", ", ",", "\n", ",\n"), comment=(", # x\n",), semicolon=("; ",), tab=(",\t",))


def joined(opened: str, items: list[tuple[Part, Part]], closed: str) -> Part:
    """Items with a separator behind each but the last one, where a space keeps the server from reading a bracket as part of a word."""
    found = Part(opened)
    for number, (item, separator) in enumerate(items, 1):
        found += item + (separator if number < len(items) else Part(" "))
    return found + Part(closed)


def pair(key: Part, colon: Part, value: Part) -> Part:
    return key + colon + value


def containers(inner: st.SearchStrategy[Part]) -> st.SearchStrategy[Part]:
    pairs = st.lists(st.tuples(st.builds(pair, KEYS, COLONS, inner), COMMAS), max_size=3)
    lists = st.lists(st.tuples(inner, COMMAS), max_size=3)
    return st.builds(lambda items: joined("[", items, "]"), lists) | st.builds(
        lambda items: joined("{ ", items, "}"), pairs
    )


HAND_WRITTEN = st.lists(
    st.tuples(st.builds(pair, KEYS, COLONS, st.recursive(SIMPLE, containers, max_leaves=4)), ENDS),
    min_size=1,
    max_size=4,
).map(lambda lines: sum((line + end for line, end in lines), Part("")))
# Characters and words that mean something, put somewhere into a text.
BITS = (
    *"{}[]:,\n =;#/\"'\\$()-.0123456789abk\t\r\0*\xa0\u2028\x0b\x1c",
    *("//", "include ", "true", "no", "10k", "\\\\", '\\"', "1.5", "\\x41", ", ", ": ", "$OF_THE_ENVIRONMENT", '"a"', "'a'"),
)  # fmt: skip
EDIT = st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 2), st.sampled_from(BITS))
# Small ones, so that an edit is not lost in them.
SMALL = st.dictionaries(
    st.sampled_from(["a", "b", "a*", "include"]),
    st.recursive(
        st.sampled_from(["x", "1", "$", "a b", '"', "\\", -1, 0, 12, True, 0.5]) | REFERENCE,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        max_leaves=5,
    ),
    min_size=1,
    max_size=3,
)
SOUP = st.lists(st.sampled_from(BITS), max_size=12).map("".join)


def edited(text: str, edits: list[tuple[float, int, str]]) -> str:
    """A text in which something is put in the place of up to two characters."""
    for place, removed, bit in edits:
        at = int(place * (len(text) + 1))
        text = text[:at] + bit + text[at + removed :]
    return text
