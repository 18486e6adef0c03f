"""An office's own wording of a letter or message: checked, and filled in where only the values can be reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jinja2
from jinja2 import meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST = 4000
FILTERS: Mapping[str, Callable[..., object]] = {
    "upper": lambda text: str(text).upper(),
    "lower": lambda text: str(text).lower(),
    "join": lambda texts, between=", ": str(between).join(str(text) for text in texts),
    "count": len,
}
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.For, nodes.Filter,
    nodes.Not, nodes.And, nodes.Or, nodes.Compare, nodes.Operand,
)  # fmt: skip


class BrokenWording(ValueError):
    """The wording cannot be used; the text says why, for whoever wrote it."""


class _Closed(ImmutableSandboxedEnvironment):
    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        return False

    def is_safe_callable(self, obj: object) -> bool:
        return False


def _environment() -> jinja2.Environment:
    environment = _Closed(autoescape=False, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals.clear()
    environment.tests.clear()
    environment.filters = dict(FILTERS)
    return environment


_closed = _environment()


def fill(body: str, values: Mapping[str, object]) -> str:
    """The wording with ``values`` (text, flags, lists of text) in it. Raises BrokenWording.

    What a wording may do: ``{{ value }}``, ``{% if %}``, one ``{% for %}`` that holds no other, and ``FILTERS``.
    """
    _check(body)
    try:
        text = _closed.from_string(body).render(values)
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise BrokenWording(str(error)) from None
    if not text.strip():
        raise BrokenWording("it says nothing")
    return text.strip()


def check(body: str, values: Mapping[str, object]) -> None:
    """Raise BrokenWording unless :func:`fill` works with ``values``; every value and filter must be one
    that there is, also where these values do not lead (``{% else %}``).
    """
    fill(body, values)
    tree = _closed.parse(body)
    if unknown := meta.find_undeclared_variables(tree) - values.keys():
        raise BrokenWording(f"there is no value {min(unknown)}")
    if unknown := {node.name for node in tree.find_all(nodes.Filter)} - FILTERS.keys():
        raise BrokenWording(f"there is no filter {min(unknown)}")


def _check(body: str) -> None:
    if len(body) > LONGEST:
        raise BrokenWording(f"longer than {LONGEST} characters")
    try:
        tree = _closed.parse(body)
    except (jinja2.TemplateError, RecursionError) as error:
        raise BrokenWording(str(error)) from None
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _ALLOWED):
            raise BrokenWording(f"{type(node).__name__} is not possible here")
        if isinstance(node, nodes.Name) and node.name == "self":  # jinja2's own object of the template
            raise BrokenWording("self is not possible here")
        if isinstance(node, nodes.For) and node.find(nodes.For) is not None:
            raise BrokenWording("a for inside a for is not possible here")
