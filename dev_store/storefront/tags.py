"""Tags that Shopify adds to Liquid and python-liquid does not have.

`schema` prints nothing; `stylesheet`, `javascript` and `style` wrap what they hold. `include` is refused, as it is in
theme app extensions.
"""

from typing import TextIO

from liquid import Environment, RenderContext, Token, TokenStream
from liquid.ast import BlockNode, Node
from liquid.exceptions import LiquidSyntaxError
from liquid.parser import get_parser
from liquid.tag import Tag
from liquid.token import TOKEN_TAG


class _Wrapped(Node):
    def __init__(self, token: Token, block: BlockNode, before: str, after: str) -> None:
        super().__init__(token)
        self._block, self._before, self._after = block, before, after

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        buffer.write(self._before)
        self._block.render(context, buffer)
        buffer.write(self._after)
        return 1


class _Silent(Node):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return 0


class _Wrapper(Tag):
    """A block tag whose content is kept, between two pieces of HTML."""

    before = after = ""

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        block = get_parser(self.env).parse_block(stream, frozenset({self.end}))
        return _Wrapped(token, block, self.before, self.after)


class StyleTag(_Wrapper):
    """`{% style %}`: CSS in which Liquid may stand."""

    name, end = "style", "endstyle"
    before, after = "<style>", "</style>"


class StylesheetTag(_Wrapper):
    """`{% stylesheet %}`."""

    name, end = "stylesheet", "endstylesheet"
    before, after = "<style>", "</style>"


class JavascriptTag(_Wrapper):
    """`{% javascript %}`."""

    name, end = "javascript", "endjavascript"
    before, after = "<script>", "</script>"


class SchemaTag(Tag):
    """`{% schema %}`: settings for the theme editor, nothing for the page."""

    name, end = "schema", "endschema"

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        get_parser(self.env).parse_block(stream, frozenset({self.end}))
        return _Silent(token)


class IncludeTag(Tag):
    """`{% include %}` is not allowed in a theme app extension: `render` is."""

    name = "include"

    def parse(self, stream: TokenStream) -> Node:
        raise LiquidSyntaxError("include is not allowed in theme app extensions; use render", token=stream.current)


def add_tags(environment: Environment) -> None:
    """Make the tags known."""
    for tag in (StyleTag, StylesheetTag, JavascriptTag, SchemaTag, IncludeTag):
        environment.add_tag(tag)
