"""The verifier with one of its checks taken out: what the attack table must notice.

Every module that takes part in verifying is parsed, one mutation is made in one of them, and all are executed afresh
side by side with the real ones. The rest of the program, the errors among it, stays the real one.
"""

import ast
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

VERIFIER_MODULES = (
    "lineside.inspection.canonical_json",
    "lineside.inspection.release.instants",
    "lineside.inspection.release.manifest",
    "lineside.inspection.release.trust",
    "lineside.inspection.release.signatures",
    "lineside.inspection.release.deployment",
    "lineside.inspection.release.reading",
    "lineside.inspection.release.verification",
)
"""In the order in which they import each other."""

_CONSTRAINTS = ("Field", "ConfigDict")
_NO_CONSTRAINT = {"alias", "frozen", "default_factory"}  # without them a module cannot even read a good file
_SHIFTED: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}


@dataclass(frozen=True)
class Verifier:
    """What the attacks call, of the real modules or of mutated ones."""

    canonical_json: ModuleType
    instants: ModuleType
    manifest: ModuleType
    trust: ModuleType
    signatures: ModuleType
    deployment: ModuleType
    reading: ModuleType
    verification: ModuleType

    def release(self, folder: Path, trust: bytes, now: datetime) -> Any:
        """Verify a release."""
        return self.verification.verify_release(folder, self._store(trust), now=now)

    def deploy(self, document: bytes, signature: bytes, trust: bytes, now: datetime, *, highest_serial: int) -> Any:
        """Verify a deployment."""
        return self.verification.verify_deployment(
            document, signature, self._store(trust), plant="plant-1", now=now, highest_serial=highest_serial
        )

    def _store(self, trust: bytes) -> Any:
        return self.trust.TrustStore.from_json(trust, source="trust.json")


@dataclass(frozen=True)
class Mutant:
    """One mutation.

    Attributes:
        module: that is changed.
        line: where.
        what: in words.
        tree: the changed module.
    """

    module: str
    line: int
    what: str
    tree: ast.Module

    def __str__(self) -> str:
        return f"{self.module.rpartition('.')[2]}:{self.line}: {self.what}"


def source_of(module: str) -> tuple[str, str]:
    """Path and text of a module."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(module)
    return spec.origin, Path(spec.origin).read_text("utf-8")


@dataclass(frozen=True)
class _Edit:
    line: int
    what: str
    make: Callable[[], object]


def mutants() -> Iterator[Mutant]:
    """Every check of the verifier removed or shifted, one at a time."""
    for module in VERIFIER_MODULES:
        _, text = source_of(module)
        for number in range(len(list(_edits(ast.parse(text))))):
            tree = ast.parse(text)
            edit = list(_edits(tree))[number]
            edit.make()
            yield Mutant(module, edit.line, edit.what, ast.fix_missing_locations(tree))


def _edits(tree: ast.Module) -> Iterator[_Edit]:
    for node in ast.walk(tree):
        yield from _refusals_let_pass(node)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield from _calls_dropped(node)
        elif isinstance(node, ast.BoolOp):
            yield from _operands_dropped(node)
        elif isinstance(node, ast.Call):
            yield from _constraints_dropped(node)
        elif isinstance(node, ast.Compare):
            yield from _boundaries_shifted(node)


def _refusals_let_pass(node: ast.AST) -> Iterator[_Edit]:
    for _, value in ast.iter_fields(node):
        if isinstance(value, list):
            for at, statement in enumerate(value):
                if isinstance(statement, ast.Raise):
                    nothing = ast.copy_location(ast.Pass(), statement)
                    yield _Edit(
                        statement.lineno,
                        f"without `{ast.unparse(statement)[:80]}`",
                        lambda block=value, at=at, nothing=nothing: block.__setitem__(at, nothing),  # type: ignore[misc]  # bound now
                    )


def _calls_dropped(node: ast.Expr) -> Iterator[_Edit]:
    """A call whose result nobody takes: it checks something."""
    yield _Edit(
        node.lineno,
        f"without the call `{ast.unparse(node)[:70]}`",
        lambda: setattr(node, "value", ast.copy_location(ast.Constant(None), node.value)),
    )


def _operands_dropped(node: ast.BoolOp) -> Iterator[_Edit]:
    if isinstance(node.values[-1], ast.Constant):
        return  # `... or "the file"` words a message
    neutral = isinstance(node.op, ast.And)
    for at, operand in enumerate(node.values):
        yield _Edit(
            operand.lineno,
            f"without the operand `{ast.unparse(operand)[:70]}`",
            lambda at=at: node.values.__setitem__(at, ast.Constant(neutral)),  # type: ignore[misc]  # bound now
        )


def _constraints_dropped(node: ast.Call) -> Iterator[_Edit]:
    if not isinstance(node.func, ast.Name) or node.func.id not in _CONSTRAINTS:
        return
    for at, keyword in enumerate(node.keywords):
        is_looser = keyword.arg == "extra" and ast.literal_eval(keyword.value) == "allow"
        if keyword.arg not in _NO_CONSTRAINT and not is_looser:
            yield _Edit(
                keyword.value.lineno,
                f"{node.func.id} without {keyword.arg}={ast.unparse(keyword.value)}",
                lambda at=at: node.keywords.pop(at),  # type: ignore[misc]  # bound now
            )


def _boundaries_shifted(node: ast.Compare) -> Iterator[_Edit]:
    if any(word in ast.unparse(node) for word in ("len(", "st_size", ".count(")):
        return  # limits of size are generous; a byte or file more is as good
    for at, operator in enumerate(node.ops):
        other = _SHIFTED.get(type(operator))
        if other is not None:
            yield _Edit(
                node.lineno,
                f"`{ast.unparse(node)[:60]}` with its boundary shifted",
                lambda at=at, other=other: node.ops.__setitem__(at, other()),  # type: ignore[misc]  # bound now
            )


def load_verifier(mutant: Mutant | None = None) -> Verifier:
    """Execute the modules afresh, one of them mutated."""
    saved = {name: sys.modules.get(name) for name in VERIFIER_MODULES}
    fresh: dict[str, ModuleType] = {}
    try:
        for name in VERIFIER_MODULES:
            path, text = source_of(name)
            tree = mutant.tree if mutant is not None and mutant.module == name else ast.parse(text)
            module = ModuleType(name)
            module.__file__ = path
            sys.modules[name] = fresh[name] = module
            exec(compile(tree, path, "exec"), module.__dict__)  # noqa: S102  # the project's own source
    finally:
        for name, original in saved.items():
            if original is not None:
                sys.modules[name] = original
            else:
                sys.modules.pop(name, None)
    return Verifier(**{name.rpartition(".")[2]: module for name, module in fresh.items()})
