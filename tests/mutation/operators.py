"""Small faults that may be planted in a module: each is one change of its syntax tree. Knows no test and runs nothing.

Beside the usual operators these swap `min` and `max`, take a statement away and reach into properties and constants: the faults
that were found by hand were of these kinds.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias, cast

Plant: TypeAlias = Callable[[], None]
"""Changes the tree in place."""

COMPARISONS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
CALLS: Final = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "bisect_left": "bisect_right",
    "bisect_right": "bisect_left",
}
UNTOUCHED: Final = {"annotation", "returns", "decorator_list", "bases"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One planted fault: which of its source's, where it lies, and what it does."""

    number: int
    first_line: int
    last_line: int
    what: str
    is_always_run: bool  # it lies outside every function, or in a default, so no test covers it more than another


def mutants(source: str) -> list[Mutant]:
    """All the faults that can be planted in the source."""
    return [mutant for mutant, _ in planted(ast.parse(source))]


def mutated(source: str, number: int) -> ast.Module:
    """The source's tree with one fault planted."""
    tree = ast.parse(source)
    next(plant for mutant, plant in planted(tree) if mutant.number == number)()
    return ast.fix_missing_locations(tree)


def planted(tree: ast.Module) -> Iterator[tuple[Mutant, Plant]]:
    number = 0
    for node, is_inside in nodes(tree, False):
        for where, what, plant in faults(node):
            is_run_once = not (is_inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
            yield Mutant(number, where.lineno, where.end_lineno or where.lineno, what, is_run_once), plant
            number += 1


def nodes(node: ast.AST, is_inside: bool) -> Iterator[tuple[ast.AST, bool]]:
    """The nodes whose change is a fault, each with whether it lies in a function's body."""
    yield node, is_inside
    for name, value in ast.iter_fields(node):
        children = cast("list[object]", value if isinstance(value, list) else [value])
        if name not in UNTOUCHED:
            inside = is_inside or (name == "body" and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
            for child in children:
                if isinstance(child, ast.AST) and not is_prose(child):
                    yield from nodes(child, inside)


def is_prose(node: ast.AST) -> bool:
    """Whether no run depends on it: a docstring, a message, a type's variable, an enumeration's values; or a pattern."""
    is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    is_type = said(node).startswith("TypeVar(") or (isinstance(node, ast.AnnAssign) and said(node.annotation) == "TypeAlias")
    is_enumeration = isinstance(node, ast.ClassDef) and any(said(base) == "Enum" for base in node.bases)
    return is_docstring or is_type or is_enumeration or isinstance(node, ast.JoinedStr | ast.pattern)


Fault: TypeAlias = tuple[ast.expr | ast.stmt, str, Plant]


def faults(node: ast.AST) -> Iterator[Fault]:
    """The faults of one node alone, not of what lies below it."""
    match node:
        case ast.Compare():
            yield from compared(node)
        case ast.BinOp() | ast.AugAssign() if type(node.op) in ARITHMETIC:
            swap = ARITHMETIC[type(node.op)]()
            yield node, f"{said(node.op)} -> {said(swap)} in {said(node)}", put(node, "op", swap)
        case ast.BoolOp():
            swapped = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield node, f"{said(swapped)} in {said(node)}", put(node, "op", swapped)
        case ast.Constant():
            yield from other_values(node)
        case ast.Call(func=ast.Name(id=name)) if name in CALLS:
            yield node, f"{name} -> {CALLS[name]} in {said(node)}", put(node.func, "id", CALLS[name])
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield node, f"None in {said(node)}", put(node, "value", ast.Constant(None))
        case ast.UnaryOp(op=ast.Not()):
            yield node, f"no not in {said(node)}", put(node, "operand", negated(node.operand))
        case _:
            pass
    yield from turned(node)
    yield from without(node)


def compared(node: ast.Compare) -> Iterator[Fault]:
    for place, operator in enumerate(node.ops):
        swap = COMPARISONS[type(operator)]()
        yield node, f"{said(operator)} -> {said(swap)} in {said(node)}", put(node.ops, place, swap)


def other_values(node: ast.Constant) -> Iterator[Fault]:
    match node.value:
        case bool() as value:
            yield node, f"{value} -> {not value}", put(node, "value", not value)
        case int() | float() as value:
            yield node, f"{value} -> {value + 1}", put(node, "value", value + 1)
        case str() as value:
            yield node, f"{value!r} -> {value + 'X'!r}", put(node, "value", value + "X")
        case _:
            pass


def turned(node: ast.AST) -> Iterator[Fault]:
    """A condition that says the opposite; not a loop's, which would rarely end."""
    if isinstance(node, ast.If | ast.IfExp):
        yield node.test, f"not ({said(node.test)})", put(node, "test", negated(node.test))
    if isinstance(node, ast.comprehension):
        for place, condition in enumerate(node.ifs):
            yield condition, f"not ({said(condition)})", put(node.ifs, place, negated(condition))


def without(node: ast.AST) -> Iterator[Fault]:
    """A statement less. One whose lack would only leave a name undefined is not worth the try."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        statements = cast("list[ast.AST]", block if isinstance(block, list) else [])  # a lambda's body is none
        for place, statement in enumerate(statements):
            if isinstance(statement, ast.stmt) and is_removable(statement):
                yield statement, f"without {said(statement)}", put(statements, place, ast.Pass())


def is_removable(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr():
            return not is_prose(statement)
        case ast.AugAssign() | ast.Delete() | ast.Raise() | ast.Break() | ast.Continue():
            return True
        case ast.Return():
            return statement.value is None
        case ast.Assign():
            return not any(isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) for node in ast.walk(statement))
        case _:
            return False


def negated(node: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), node)


def put(where: object, name: str | int, value: object) -> Plant:
    """Plants a value in an attribute of a node or a place of a list."""

    def plant() -> None:
        if isinstance(where, list) and isinstance(name, int):
            cast("list[object]", where)[name] = value
        else:
            setattr(cast("object", where), str(name), value)

    return plant


SIGNS: Final[dict[type[ast.AST], str]] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.And: "and",
    ast.Or: "or",
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
}


def said(node: ast.AST) -> str:
    """The node as one writes it, the first line alone."""
    return SIGNS.get(type(node)) or ast.unparse(node).split("\n")[0]
