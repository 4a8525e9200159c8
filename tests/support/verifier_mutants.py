"""The verifier with one of its checks taken out: what the attack table must notice.

Every module that takes part in verifying is parsed, one mutation is made in one of them, and all are executed afresh
side by side with the real ones. The rest of the program, the errors among it, stays the real one.
"""

import ast
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import CodeType, ModuleType
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
        code: the changed module.
    """

    module: str
    line: int
    what: str
    code: CodeType

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
    """A list of the syntax tree with other content."""

    line: int
    what: str
    place: list[Any]
    content: list[Any]


def mutants() -> Iterator[Mutant]:
    """Every check of the verifier removed or shifted, one at a time."""
    for module in VERIFIER_MODULES:
        path, text = source_of(module)
        tree = ast.parse(text)
        for edit in list(_edits(tree)):
            right = list(edit.place)
            edit.place[:] = edit.content
            code = compile(ast.fix_missing_locations(tree), path, "exec")
            edit.place[:] = right
            yield Mutant(module, edit.line, edit.what, code)


def _edits(tree: ast.Module) -> Iterator[_Edit]:
    for node in ast.walk(tree):
        yield from _statements_dropped(node)
        if isinstance(node, ast.BoolOp):
            yield from _operands_dropped(node)
        elif isinstance(node, ast.Call):
            yield from _constraints_dropped(node)
        elif isinstance(node, ast.Compare):
            yield from _boundaries_shifted(node)


def _statements_dropped(node: ast.AST) -> Iterator[_Edit]:
    """What is refused passes; a call whose result nobody takes, so that it checks something, is not made."""
    for _, block in ast.iter_fields(node):
        for at, statement in enumerate(block if isinstance(block, list) else []):
            is_check = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
            if isinstance(statement, ast.Raise) or is_check:
                what = f"without `{ast.unparse(statement)[:80]}`"
                nothing = ast.copy_location(ast.Pass(), statement)
                yield _Edit(statement.lineno, what, block, [*block[:at], nothing, *block[at + 1 :]])


def _operands_dropped(node: ast.BoolOp) -> Iterator[_Edit]:
    """Take one condition out of an `and` or `or`."""
    if isinstance(node.values[-1], ast.Constant):
        return  # `... or "the file"` words a message
    neutral = isinstance(node.op, ast.And)
    for at, operand in enumerate(node.values):
        what = f"without the operand `{ast.unparse(operand)[:70]}`"
        rest = [*node.values[:at], ast.Constant(neutral), *node.values[at + 1 :]]
        yield _Edit(operand.lineno, what, node.values, rest)


def _constraints_dropped(node: ast.Call) -> Iterator[_Edit]:
    """Take one constraint out of a field, or out of a model's configuration."""
    if not isinstance(node.func, ast.Name) or node.func.id not in _CONSTRAINTS:
        return
    for at, keyword in enumerate(node.keywords):
        is_looser = keyword.arg == "extra" and ast.literal_eval(keyword.value) == "allow"
        if keyword.arg not in _NO_CONSTRAINT and not is_looser:
            what = f"{node.func.id} without {keyword.arg}={ast.unparse(keyword.value)}"
            yield _Edit(keyword.value.lineno, what, node.keywords, [*node.keywords[:at], *node.keywords[at + 1 :]])


def _boundaries_shifted(node: ast.Compare) -> Iterator[_Edit]:
    """Turn `<` into `<=` and the like."""
    if any(word in ast.unparse(node) for word in ("len(", "st_size")):
        return  # limits of size are generous; a byte or file more is as good
    for at, operator in enumerate(node.ops):
        other = _SHIFTED.get(type(operator))
        if other is not None:
            what = f"`{ast.unparse(node)[:60]}` with its boundary shifted"
            yield _Edit(node.lineno, what, node.ops, [*node.ops[:at], other(), *node.ops[at + 1 :]])


class VerifierLoader:
    """Executes the verifier's modules afresh; those before a mutated one stay as they were."""

    def __init__(self) -> None:
        self._codes = {name: compile(source_of(name)[1], source_of(name)[0], "exec") for name in VERIFIER_MODULES}
        self._right: dict[str, ModuleType] = {}
        self._right = self._execute(None)

    def load(self, mutant: Mutant | None = None) -> Verifier:
        """The verifier, one of its modules mutated."""
        modules = self._right if mutant is None else self._execute(mutant)
        return Verifier(**{name.rpartition(".")[2]: module for name, module in modules.items()})

    def _execute(self, mutant: Mutant | None) -> dict[str, ModuleType]:
        saved = {name: sys.modules.get(name) for name in VERIFIER_MODULES}
        fresh: dict[str, ModuleType] = {}
        is_before = mutant is not None
        try:
            for name in VERIFIER_MODULES:
                is_mutated = mutant is not None and mutant.module == name
                is_before = is_before and not is_mutated
                module = self._right[name] if is_before else ModuleType(name)
                sys.modules[name] = fresh[name] = module
                if not is_before:
                    code = mutant.code if mutant is not None and is_mutated else self._codes[name]
                    exec(code, module.__dict__)  # noqa: S102  # the project's own source
        finally:
            for name, original in saved.items():
                if original is not None:
                    sys.modules[name] = original
                else:
                    sys.modules.pop(name, None)
        return fresh
