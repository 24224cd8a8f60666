# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""Reads which metrics, labels and label values a PromQL expression names. It does not check the grammar: promtool does.

An expression is cut into tokens. An identifier is a metric unless it is a function (a bracket follows), a keyword, or
stands in a list of labels (after by, without, on, ignoring, group_left, group_right) or between braces.
"""

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<comment>\#[^\n]*)
      | (?P<range>\[[^\]]*\])
      | (?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
      | (?P<number>[0-9.][0-9a-zA-Z_.]*)
      | (?P<variable>\$\w+|\$\{\w+\})
      | (?P<operator>=~|!~|!=|==|<=|>=|[-+*/%^=<>(){},@])
      | (?P<space>\s+)""",
    re.X,
)
_LABEL_LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_KEYWORDS = _LABEL_LISTS | {"and", "or", "unless", "bool", "offset", "inf", "nan"}


@dataclass
class Named:
    """What an expression names. Matchers are (metric, label, operator, value)."""

    metrics: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    matchers: list[tuple[str, str, str, str]] = field(default_factory=list)


def tokens(expr: str) -> list[tuple[str, str]]:
    """Kind and text of each token, without spaces and comments."""
    found, place = [], 0
    while place < len(expr):
        match = _TOKEN.match(expr, place)
        assert match, f"no PromQL token at {expr[place:place + 20]!r} in {expr!r}"
        if match.lastgroup not in ("space", "comment"):
            found.append((match.lastgroup or "", match.group()))
        place = match.end()
    return found


def named(expr: str) -> Named:
    """The metrics, the labels and the matchers of an expression."""
    found = Named()
    stream = tokens(expr)
    metric, place = "", 0
    while place < len(stream):
        kind, text = stream[place]
        following = stream[place + 1][1] if place + 1 < len(stream) else ""
        if kind == "name" and text.lower() in _LABEL_LISTS and following == "(":
            place += 2
            while stream[place][1] != ")":
                if stream[place][0] == "name":
                    found.labels.add(stream[place][1])
                place += 1
        elif kind == "name" and following not in ("(", "by", "without") and text.lower() not in _KEYWORDS:
            metric = text
            found.metrics.add(text)
        elif text == "{":
            place += 1
            while stream[place][1] != "}":
                if stream[place][0] == "name":
                    label, (_, operator), (_, value) = stream[place][1], stream[place + 1], stream[place + 2]
                    found.labels.add(label)
                    found.matchers.append((metric, label, operator, value[1:-1]))
                    place += 2
                place += 1
        place += 1
    return found
