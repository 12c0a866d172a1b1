"""Brings the admin's catalogues up to date with the texts in the code: `make texts`.

Texts stand in `app/admin` (Python and templates) and, as sentences of rules, in modules below it that know nothing of
languages. New messages are added empty, and messages that nothing says any more are removed; a person translates.
`tests/admin/test_texts.py` holds the catalogues against `messages()`.
"""

import ast
from collections.abc import Iterator
from io import BytesIO

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from tools.terminal import ROOT, say

ADMIN = ROOT / "app" / "admin"
CATALOGUES = ADMIN / "texts"
LANGUAGES = ("de", "ja", "tr")
# The names by which code says a text.
_KEYWORDS = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}
_FILES = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext.babel_extract")]
# Modules whose texts are said by the admin: all sentences, and tables of words by name.
_SENTENCES = ROOT / "app" / "loyalty" / "wording.py"
_WORDS = ((ROOT / "app" / "shops" / "connection.py", "_WORDS"), (ROOT / "webhooks" / "wording.py", "_MEANINGS"))
Message = str | tuple[str, str]


def main() -> None:
    wanted = template()
    CATALOGUES.mkdir(exist_ok=True)
    for language in LANGUAGES:
        catalogue = load(language)
        catalogue.update(wanted, no_fuzzy_matching=True)
        (CATALOGUES / f"{language}.po").write_bytes(written(catalogue))
        missing = sum(1 for message in catalogue if message.id and not is_translated(message.string))
        say(f"{language}: {len(catalogue)} messages, {missing} to translate")


def template() -> Catalog:
    """All messages, without translations."""
    catalogue = Catalog(domain="messages", charset="utf-8")
    for message in messages():
        catalogue.add(message)
    return catalogue


def load(language: str) -> Catalog:
    """A catalogue as it is; an empty one of a new language."""
    path = CATALOGUES / f"{language}.po"
    if not path.is_file():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as handle:
        return read_po(handle, locale=language)


def written(catalogue: Catalog) -> bytes:
    """The catalogue as a file: sorted, without places and dates, so that it changes only with its messages."""
    content = BytesIO()
    write_po(content, catalogue, width=120, no_location=True, omit_header=True, sort_output=True, ignore_obsolete=True)
    return content.getvalue()


def is_translated(string: object) -> bool:
    """Whether a message has a translation, in all of its forms."""
    forms = string if isinstance(string, tuple | list) else (string,)
    return bool(forms) and all(forms)


def messages() -> list[Message]:
    """Every text, sorted; those with a form for several are pairs."""
    found: set[Message] = set()
    for _, _, message, _, _ in extract_from_dir(
        ADMIN, method_map=_FILES, keywords=_KEYWORDS, options_map={"**/templates/**.html": {"silent": "false"}}
    ):
        found.add((message[0], message[1]) if isinstance(message, tuple) else message)
    found.update(_sentences(ast.parse(_SENTENCES.read_text("utf-8"))))
    for path, name in _WORDS:
        found.update(_table(ast.parse(path.read_text("utf-8")), name))
    pairs = {message[0] for message in found if isinstance(message, tuple)}
    return sorted((message for message in found if message not in pairs), key=str)


def _sentences(tree: ast.Module) -> Iterator[Message]:
    """What `Sentence(…)` is given, tables of words, and pairs of forms in tables."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            yield from _strings(node.value)
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            yield from _said_in(function)


def _said_in(function: ast.FunctionDef) -> Iterator[Message]:
    named = {
        target.id: node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Sentence":
            if isinstance(node.args[0], ast.IfExp):
                yield from filter(None, (_text(side, named) for side in (node.args[0].body, node.args[0].orelse)))
                continue
            first, *rest = (_text(argument, named) for argument in (node.args[0], *node.args[2:3]))
            if first:
                yield (first, rest[0]) if rest and rest[0] else first
        elif isinstance(node, ast.Tuple):
            yield from _row(node)


def _row(node: ast.Tuple) -> Iterator[Message]:
    """A row of a table within a function: a text and its form for several, or a text."""
    texts = [part.value for part in node.elts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    if len(texts) == 2 and "{n}" in texts[1]:
        yield (texts[0], texts[1])
    elif len(texts) == 1 and texts[0].endswith("."):
        yield texts[0]


def _text(node: ast.expr, named: dict[str, ast.expr]) -> str | None:
    if isinstance(node, ast.Name):
        node = named.get(node.id, node)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _table(tree: ast.Module, name: str) -> Iterator[str]:
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == name and isinstance(node, ast.Assign | ast.AnnAssign):
            assert node.value is not None
            yield from _strings(node.value)
            # A text that several rows share has a name of its own.
            shared = {part.id for part in ast.walk(node.value) if isinstance(part, ast.Name)}
            yield from (text for word in sorted(shared) for text in _table(tree, word))


def _strings(node: ast.expr) -> Iterator[str]:
    """The values of a table; its keys are no texts."""
    if isinstance(node, ast.Dict):
        for value in node.values:
            yield from _strings(value)
    elif isinstance(node, ast.Tuple | ast.List):
        for part in node.elts:
            yield from _strings(part)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
        yield node.value


if __name__ == "__main__":
    main()
