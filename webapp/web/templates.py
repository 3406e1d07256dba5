"""Templates that are compiled once per language, with their sentences already translated.

A page has some forty sentences; looking each up while rendering costs more than the page's queries. So the words
of `_("…")` are put in when a template is compiled, and constant sentences become part of the text around them.
"""

from typing import Any

from flask.templating import Environment
from flask_babel import get_locale, gettext
from jinja2 import nodes
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

_NAMES = frozenset({"_", "gettext"})


class _Translate(NodeTransformer):
    """Replaces `_("sentence", name=value)` by the translated sentence, as Jinja's own gettext would say it."""

    def __init__(self, *, is_html: bool) -> None:
        self._is_html = is_html

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 - the visitor's way of naming
        node = self.generic_visit(node)
        message = _message(node)
        if message is None:
            return node
        text = gettext(message)
        said: Any = Markup(text) if self._is_html else text  # noqa: S704 - from our own catalogue
        pairs = [
            nodes.Pair(nodes.Const(each.key, lineno=node.lineno), each.value, lineno=node.lineno)
            for each in node.kwargs
        ]
        if not pairs:
            return nodes.Const(said % {}, lineno=node.lineno)
        constants = {each.key: each.value for each in node.kwargs}
        if all(isinstance(value, nodes.Const) for value in constants.values()):
            values = {key: value.value for key, value in constants.items()}  # type: ignore[attr-defined]
            return nodes.Const(said % values, lineno=node.lineno)
        return nodes.Mod(
            nodes.Const(said, lineno=node.lineno),
            nodes.Dict(pairs, lineno=node.lineno),
            lineno=node.lineno,
        )


def _message(node: nodes.Call) -> str | None:
    """The sentence of a gettext call that can be translated now; None for every other call."""
    if not isinstance(node.node, nodes.Name) or node.node.name not in _NAMES:
        return None
    if len(node.args) != 1 or node.dyn_args is not None or node.dyn_kwargs is not None:
        return None
    message = node.args[0].value if isinstance(node.args[0], nodes.Const) else None
    return message if isinstance(message, str) else None


class TranslatedEnvironment(Environment):
    """Flask's environment with one family of compiled templates for each language."""

    language: str | None = None

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._families: dict[str, TranslatedEnvironment] = {}

    def make_globals(self, d: Any) -> Any:
        """One dictionary: Jinja's chain of two is walked in Python for each import of each page.

        Globals are therefore given before the first page is asked for.
        """
        return {**self.globals, **(d or {})}

    def _load_template(self, name: str, globals: Any) -> Any:  # noqa: A002 - the name that Jinja uses
        if self.language is not None:
            return super()._load_template(name, globals)
        language = str(get_locale() or "")
        family = self._families.get(language)
        if family is None:
            family = self.overlay()
            family.language = language
            self._families[language] = family
        return family._load_template(name, globals)  # noqa: SLF001 - our own class

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        if not self.language:
            return tree
        is_html = self.autoescape(name) if callable(self.autoescape) else bool(self.autoescape)
        translated: nodes.Template = _Translate(is_html=is_html).visit(tree)
        return translated
