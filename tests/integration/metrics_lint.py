"""The rules of `promtool check metrics`, for machines that do not have it.

The same names, help texts and types give the same complaints; what is not ported are rules about
units that no server counts in (volts, kelvin).
"""

import dataclasses
import re

ABBREVIATED_UNITS = ("s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d")
# A unit beside the base unit that stands for it.
OTHER_UNITS = {"milliseconds": "seconds", "microseconds": "seconds", "nanoseconds": "seconds",
               "minutes": "seconds", "hours": "seconds", "days": "seconds", "bits": "bytes",
               "kilobytes": "bytes", "megabytes": "bytes", "gigabytes": "bytes"}
TYPES = ("counter", "gauge", "histogram", "summary")
SERIES_SUFFIXES = ("_bucket", "_sum", "_count")
CAMEL_CASE = re.compile(r"[a-z][A-Z]")
SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+")


@dataclasses.dataclass
class Family:
    name: str
    help: str = ""
    type: str = "untyped"
    labels: set = dataclasses.field(default_factory=set)


def read_families(text):
    """The metric families of an exposition, with the names of all labels."""
    families = {}
    for line in text.splitlines():
        if line.startswith(("# HELP ", "# TYPE ")):
            _, kind, name, *rest = line.split(" ", 3)
            family = families.setdefault(name, Family(name))
            setattr(family, kind.lower(), rest[0] if rest else "")
        elif line and not line.startswith("#"):
            name, labels = SAMPLE.fullmatch(line).groups()
            family = _family_of(name, families)
            family.labels.update(re.findall(r'(\w+)="', labels or ""))
    return list(families.values())


def _family_of(name, families):
    for suffix in SERIES_SUFFIXES:
        base = families.get(name.removesuffix(suffix))
        if name.endswith(suffix) and base and base.type in ("histogram", "summary"):
            return base
    return families.setdefault(name, Family(name))


def _has_word(name, word):
    return f"_{word}_" in name or name.endswith(f"_{word}")


def _complaints(family):
    name = family.name
    is_counter, is_histogram = family.type == "counter", family.type == "histogram"
    if not family.help:
        yield "no help text"
    if is_counter and not name.endswith("_total"):
        yield 'counter metrics should have "_total" suffix'
    if not is_counter and name.endswith("_total"):
        yield 'non-counter metrics should not have "_total" suffix'
    if not is_histogram and family.type != "summary":
        for suffix in SERIES_SUFFIXES:
            if name.endswith(suffix):
                yield f'non-histogram and non-summary metrics should not have "{suffix}" suffix'
    if not is_histogram and "le" in family.labels:
        yield 'non-histogram metrics should not have "le" label'
    if family.type != "summary" and "quantile" in family.labels:
        yield 'non-summary metrics should not have "quantile" label'
    if ":" in name:
        yield "metric names should not contain ':'"
    if CAMEL_CASE.search(name) or any(CAMEL_CASE.search(label) for label in family.labels):
        yield "names should be written in 'snake_case' not 'camelCase'"
    if any(_has_word(name, unit) for unit in ABBREVIATED_UNITS):
        yield "metric names should not contain abbreviated units"
    for unit, base in OTHER_UNITS.items():
        if unit in name.split("_"):
            yield f'use base unit "{base}" instead of "{unit}"'
    for kind in TYPES:
        if _has_word(name, kind):
            yield f'metric name should not include type "{kind}"'


def lint(text):
    """A list of "NAME complaint"; empty if the exposition is clean."""
    families = read_families(text)
    return [f"{family.name} {complaint}" for family in families
            for complaint in _complaints(family)]
