"""Applications are made by the hundred here, each with the same routes and templates: what is compiled of them is kept.

Compiling them took a tenth of a second for each test with a client, and more for each page. What is kept knows nothing
of its application.
"""

from collections.abc import Callable

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]
_builders: dict[tuple[str, bool], Builder] = {}


class KnownRule(Rule):
    """A rule whose builder of URLs is that of the last rule with the same words."""

    def _compile_builder(self, append_unknown: bool = True) -> Builder:
        key = (self.rule, append_unknown)
        if self.defaults or key not in _builders:
            _builders[key] = super()._compile_builder(append_unknown)
        return _builders[key]


class KnownTemplates(BytecodeCache):
    """Templates by their names and the digest of their source, which Jinja looks at."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if kept := self._kept.get(bucket.key):
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


def use() -> None:
    """From now on, in this process."""
    Flask.url_rule_class = KnownRule
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": KnownTemplates()}
