"""Applications are made by the hundred here, each with the same routes; what Werkzeug compiles for a route is kept.

That took a tenth of a second for each test with a client. The kept function knows nothing of its application: it reads
the converters of the rule that it is called for.
"""

from collections.abc import Callable

from flask import Flask
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


def use() -> None:
    """From now on, in this process."""
    Flask.url_rule_class = KnownRule
