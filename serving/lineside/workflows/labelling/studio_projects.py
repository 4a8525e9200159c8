"""The project in Label Studio that belongs to a labelling project of ours: made, found again, and its edits told."""

from collections.abc import Sequence

from lineside.datasets.labelling import ConfigStanding, LabelStudio, ProjectGone, StudioProject, config_state
from lineside.workflows.errors import LabelProjectUnfit
from lineside.workflows.labelling.needing_people import Code, Need, listed
from lineside.workflows.labelling.picks import LabelProject

_REFERENCE_MARK = 'name="reference"'


def require_studio_project(studio: LabelStudio, url: str, project: LabelProject) -> StudioProject:
    """The project that was pushed to before.

    Raises:
        LabelProjectUnfit: it was never pushed, or `url` is another Label Studio: its project has another title.
        ProjectGone: it was deleted there.
        LabellingError: Label Studio cannot be asked.
    """
    if project.label_studio_project_id is None:
        raise LabelProjectUnfit(
            f"labelling project {project.name!r} was never pushed to Label Studio; `lineside labels push` does that"
        )
    try:
        found = studio.project(project.label_studio_project_id)
    except ProjectGone as error:
        raise ProjectGone(
            f"{error}. `lineside labels push --recreate` makes it anew and pushes what nobody has read yet; what was "
            "read stays"
        ) from error
    if found.title != project.name:
        # A new Label Studio, at the old address even, numbers its projects from 1 again.
        raise LabelProjectUnfit(
            f"labelling project {project.name!r} lies in {project.label_studio_url}; project {found.id} of {url} is "
            f"called {found.title!r}, so it is another one: give the right address, or its title back if it was "
            "renamed, or push with --recreate"
        )
    return found


def open_studio_project(
    studio: LabelStudio, url: str, project: LabelProject, *, is_recreating: bool, is_replacing_edits: bool
) -> StudioProject:
    """The project to push to: found again or made, with the configuration that the classes ask for.

    Args:
        studio: open.
        url: its address.
        project: ours.
        is_recreating: make a new one if it was deleted there.
        is_replacing_edits: put our configuration in the place of one that was edited by hand.

    Raises:
        ProjectGone: it was deleted there, and `is_recreating` is false.
        LabelProjectUnfit: `url` is another Label Studio.
        LabellingError: Label Studio cannot be asked, or several projects have the name.
    """
    known_id: int | None = None
    has_reference = False
    if project.label_studio_project_id is not None:
        try:
            known = require_studio_project(studio, url, project)
        except (ProjectGone, LabelProjectUnfit):
            if not is_recreating:
                raise
        else:
            known_id, has_reference = known.id, shows_reference(known)
    return studio.ensure_project(
        project.name,
        project.classes,
        has_reference=has_reference,
        project_id=known_id,
        is_replacing_edits=is_replacing_edits,
    )


def add_reference(studio: LabelStudio, found: StudioProject, classes: Sequence[str]) -> StudioProject:
    """Make room for a golden image beside the picture; a configuration edited by hand stays as it is."""
    if shows_reference(found):
        return found
    return studio.ensure_project(found.title, classes, has_reference=True, project_id=found.id)


def shows_reference(found: StudioProject) -> bool:
    """Whether the project shows golden images beside the pictures."""
    return _REFERENCE_MARK in found.config


def edits_of(found: StudioProject, classes: Sequence[str]) -> tuple[Need, ...]:
    """What people must know of a configuration that was edited by hand."""
    state = config_state(found.config, classes, has_reference=shows_reference(found))
    if state.standing is not ConfigStanding.EDITED:
        return ()
    differences = [difference.text for difference in state.differences]
    harm = "labels or suggestions are lost with it" if state.is_blocking else "nothing is lost with it"
    return (
        Need(
            code=Code.CONFIG_EDITED,
            message=f"the labelling configuration of Label Studio project {found.id} was edited by hand: "
            f"{listed(differences, most=3)}; {harm}. `lineside labels push --restore-config` puts ours in its place",
            occurrence=" | ".join(differences)[:200],
        ),
    )
