"""Puts a mutant's code into a module that is loaded already, so that whoever imported from it sees the mutant too."""

import sys
import types
from ast import Module
from collections.abc import Iterator, Mapping
from typing import Any, cast

PACKAGES = ("elman", "tests")
CONSTANTS = (bool, int, float, str)


class NotGrafted(Exception):
    """The mutant's code does not fit where the original's was."""


def graft(tree: Module, module: types.ModuleType) -> None:
    """Let the module behave as the tree says. Raises NotGrafted."""
    fresh: dict[str, Any] = {"__name__": module.__name__, "__file__": module.__file__, "__package__": module.__package__}
    exec(compile(tree, str(module.__file__), "exec"), fresh)
    graft_all(vars(module), fresh, module.__name__)


def graft_all(old: Mapping[str, Any], new: Mapping[str, Any], home: str) -> None:
    for name, value in new.items():
        if name.startswith("__") and not callable(value):
            continue
        if isinstance(value, type) and value.__module__ == home:
            graft_class(old[name], value, home)
        elif is_constant(value) and old.get(name) != value:
            spread(name, old[name], value)
        else:
            for before, after in zip(functions(old.get(name)), functions(value), strict=False):
                graft_function(before, after, home)


def graft_class(old: type, new: type, home: str) -> None:
    for name, value in vars(new).items():
        before = vars(old).get(name)
        if is_constant(value) and not name.startswith("__") and before != value:
            setattr(old, name, value)
        for one, other in zip(functions(before), functions(value), strict=False):
            graft_function(one, other, home)


def is_constant(value: object) -> bool:
    """Whether it is a number, a text, or several of them."""
    members = cast("tuple[object, ...]", value) if isinstance(value, tuple) else (value,)
    return all(isinstance(member, CONSTANTS) for member in members)


def functions(value: object) -> Iterator[types.FunctionType]:
    """The functions behind a name: itself, a property's, a class method's, or one whose results are kept."""
    match value:
        case types.FunctionType():
            yield value
        case property():
            yield from functions(value.fget)
        case classmethod() | staticmethod():
            yield from functions(cast("Any", value).__func__)
        case _ if hasattr(value, "cache_clear"):
            cast("Any", value).cache_clear()
            yield from functions(cast("Any", value).__wrapped__)
        case _:
            pass


def graft_function(old: types.FunctionType, new: types.FunctionType, home: str) -> None:
    if not new.__module__.startswith((home, "namedtuple_")):
        return
    try:
        old.__code__ = new.__code__
    except ValueError as error:
        raise NotGrafted(old.__qualname__) from error
    old.__defaults__, old.__kwdefaults__ = new.__defaults__, new.__kwdefaults__


def spread(name: str, before: object, value: object) -> None:
    """A constant is new in every module that holds it."""
    for module in list(sys.modules.values()):
        own = vars(module)
        if module.__name__.startswith(PACKAGES) and name in own and own[name] == before:
            own[name] = value
