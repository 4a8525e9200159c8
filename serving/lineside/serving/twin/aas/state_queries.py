"""Finding shells and submodels in a state by what an address says of them."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lineside.serving.twin.aas.encoded import AssetIdFilter, decode
from lineside.serving.twin.aas.errors import UnknownTwinObject
from lineside.serving.twin.aas.views import Json

if TYPE_CHECKING:
    from lineside.serving.twin.aas.packages import Selection, TwinState

_GLOBAL: str = "globalAssetId"


def shell_at(state: "TwinState", encoded: str) -> Json:
    """The shell of an identifier.

    Raises:
        TwinRequestUnfit: the identifier cannot be read.
        UnknownTwinObject: there is none.
    """
    return _one(state.shells, decode(encoded, what="shell identifier"), "shell")


def submodel_at(state: "TwinState", encoded: str) -> Json:
    """The submodel of an identifier.

    Raises:
        TwinRequestUnfit, UnknownTwinObject: as `shell_at`.
    """
    return _one(state.submodels, decode(encoded, what="submodel identifier"), "submodel")


def submodel_of(state: "TwinState", shell: Json, encoded: str) -> Json:
    """A submodel that a shell refers to.

    Raises:
        TwinRequestUnfit, UnknownTwinObject: as `shell_at`.
    """
    found = submodel_at(state, encoded)
    if found["id"] not in submodel_ids(shell):
        raise UnknownTwinObject(f"shell {shell['idShort']!r} has no submodel {found['id']!r}; see its submodel-refs")
    return found


def submodel_ids(shell: Json) -> Sequence[str]:
    """Identifiers of the submodels that a shell refers to, in its order."""
    return tuple(str(reference["keys"][0]["value"]) for reference in shell.get("submodels", ()))


def shells_like(state: "TwinState", *, id_short: str | None, asset_ids: Iterable[AssetIdFilter]) -> Sequence[Json]:
    """The shells with an idShort, and of an asset with every one of some ids."""
    wanted = tuple(asset_ids)
    return tuple(
        shell
        for shell in state.shells
        if id_short in {None, shell["idShort"]} and all(_is_of(shell, asset_id) for asset_id in wanted)
    )


def submodels_like(state: "TwinState", *, id_short: str | None, semantic_id: str | None) -> Sequence[Json]:
    """The submodels with an idShort and a semantic id."""
    return tuple(
        submodel
        for submodel in state.submodels
        if id_short in {None, submodel["idShort"]}
        and (semantic_id is None or semantic_id in {key["value"] for key in submodel["semanticId"]["keys"]})
    )


def select(state: "TwinState", *, shells: Sequence[str], submodels: Sequence[str], with_concepts: bool) -> "Selection":
    """What a file is to hold.

    Args:
        state: of the twin.
        shells: encoded identifiers.
        submodels: likewise. Without them a shell comes with all its submodels; without both, everything comes.
        with_concepts: whether concept descriptions come along.

    Raises:
        TwinRequestUnfit, UnknownTwinObject: as `shell_at`.
    """
    from lineside.serving.twin.aas.packages import Selection

    concepts = state.concepts if with_concepts else ()
    if not shells and not submodels:
        return Selection(state.shells, state.submodels, concepts)
    wanted = {str(shell_at(state, each)["id"]) for each in shells}
    chosen_shells = tuple(shell for shell in state.shells if shell["id"] in wanted)
    ids = {str(submodel_at(state, each)["id"]) for each in submodels}
    if not submodels:
        ids = {each for shell in chosen_shells for each in submodel_ids(shell)}
    return Selection(chosen_shells, tuple(each for each in state.submodels if each["id"] in ids), concepts)


def _one(items: Sequence[Json], identifier: str, what: str) -> Json:
    for item in items:
        if item["id"] == identifier:
            return item
    raise UnknownTwinObject(f"no {what} {identifier[:200]!r}; the list of {what}s names all")


def _is_of(shell: Json, wanted: AssetIdFilter) -> bool:
    information = shell["assetInformation"]
    if wanted.name == _GLOBAL:
        return bool(information.get(_GLOBAL) == wanted.value)
    return any(
        (each["name"], each["value"]) == (wanted.name, wanted.value) for each in information.get("specificAssetIds", ())
    )
