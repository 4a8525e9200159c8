"""Storing a recipe on a server: its golden images, the gate's report that lets it in, and its text."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from lineside.client import LinesideClient
from lineside.inspection.decoding import decode
from lineside.inspection.errors import FrameError
from lineside.inspection.recipe import load_recipe
from lineside.workflows.catalogues import read_catalogue
from lineside.workflows.errors import RecipeUnusable, ReportUnsigned
from lineside.workflows.golden_images import GoldenImage, golden_images_by_path, text_with_digests
from lineside.workflows.judging import LIMITS
from lineside.workflows.text_files import read_text_file

REPORT_NAME = "gate.json"
SIGNATURE_SUFFIX = ".sig.json"

_PATIENCE_S = 60.0
"""Of each call: before the server takes a recipe it may load the releases that judge by it."""


@dataclass(frozen=True, slots=True)
class SignedReport:
    """A gate's report on a recipe, with the deploy key's signature.

    Attributes:
        document: the report's exact bytes.
        signature: the content of its signature file.
    """

    document: bytes
    signature: bytes

    @classmethod
    def read(cls, path: Path) -> "SignedReport":
        """Read what `lineside release gate --out DIR --key` wrote.

        Args:
            path: the folder, or the report in it; the signature of `gate.json` is `gate.sig.json` beside it.

        Raises:
            ReportUnsigned: there is no signature.
            OSError: one of the files cannot be read.
        """
        file = path / REPORT_NAME if path.is_dir() else path
        document = file.read_bytes()
        signature = file.with_suffix(SIGNATURE_SUFFIX)
        if not signature.is_file():
            raise ReportUnsigned(
                f"{file} has no signature {signature.name} beside it, and a server takes no unsigned report: "
                "run `lineside release gate` with --key, the deploy key"
            )
        return cls(document, signature.read_bytes())


@dataclass(frozen=True, slots=True)
class RecipeToStore:
    """A recipe's version as a server will hold it.

    Attributes:
        id: of the recipe.
        text: its file's text, with every golden image named by digest.
        golden: the images that the file names by path, each once.
    """

    id: str
    text: str
    golden: tuple[GoldenImage, ...]


@dataclass(frozen=True, slots=True)
class RecipeOverride:
    """Who answers for a recipe that allows more than the one before, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """What a server stored.

    Attributes:
        id: of the recipe.
        version: its number.
        digest: lowercase hex SHA-256 of the stored text; gate reports and verdicts carry it.
        gate_report: digest of the gate's report that it stands on; None without one.
    """

    id: str
    version: int
    digest: str
    gate_report: str | None


def read_recipe_to_store(path: Path, *, catalogue: Path | None = None) -> RecipeToStore:
    """Read a recipe and its golden images, and check them as far as it can be done without the server.

    Args:
        path: the recipe's file; images named by path lie below its folder.
        catalogue: the defect catalogue's file that it names; None is the built-in one.

    Raises:
        RecipeError, CatalogueError, NotText, RecipeUnusable: recipe, catalogue or golden image cannot be used.
        NothingToInspect: the name of a golden image is no picture's.
        OSError: a file cannot be read.
    """
    used = read_catalogue(catalogue)
    text = read_text_file(path)
    recipe = load_recipe(text, catalogue=used, source=str(path))
    golden = golden_images_by_path(recipe, folder=path.parent)
    for name, image in golden.items():
        try:
            decode(image.content, image.media_type, limits=LIMITS)
        except FrameError as error:
            raise RecipeUnusable(f"{path.parent / name} is no usable golden image: {error}") from error
    distinct = {image.sha256: image for image in golden.values()}
    return RecipeToStore(recipe.id, text_with_digests(text, recipe, golden), tuple(distinct.values()))


def store_recipe(
    recipe: RecipeToStore,
    *,
    server: str,
    api_key: str,
    report: SignedReport | str | None = None,
    override: RecipeOverride | None = None,
) -> StoredVersion:
    """Upload golden images and the gate's report, then the recipe; the very same again changes nothing.

    Args:
        recipe: of `read_recipe_to_store`.
        server: its address, e.g. "http://127.0.0.1:8470".
        api_key: of role quality or admin; to bring a report along it must be admin.
        report: of the gate that the recipe passed, or the digest of one that the server has already.
        override: instead of a report.

    Raises:
        ClientError: the server refused, or was not there. What was uploaded before stays; it is in nobody's way.
    """
    return asyncio.run(_store(recipe, server=server, api_key=api_key, report=report, override=override))


async def _store(
    recipe: RecipeToStore,
    *,
    server: str,
    api_key: str,
    report: SignedReport | str | None,
    override: RecipeOverride | None,
) -> StoredVersion:
    async with LinesideClient(server, api_key, timeout_s=_PATIENCE_S) as client:
        for image in recipe.golden:
            await client.put_reference(image.content, image.media_type)
        gate_report = (
            await client.put_gate_report(report.document, report.signature)
            if isinstance(report, SignedReport)
            else report
        )
        answer = await client.put_recipe(
            recipe.id,
            recipe.text,
            override_name=None if override is None else override.name,
            override_reason=None if override is None else override.reason,
            gate_report=gate_report,
        )
    return StoredVersion(answer["id"], answer["version"], answer["digest"], answer["gate_report"])
