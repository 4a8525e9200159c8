"""What a retraining is asked for, checked before anything is done."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lineside.datasets.labelling import Token
from lineside.inspection.release import GateOverride, SigningKey, TrustStore
from lineside.training.gate import GatePolicy
from lineside.training.plan import DeviceChoice, Orientation
from lineside.workflows.errors import RetrainingRefused
from lineside.workflows.labelling.labelled_views import GroupBy
from lineside.workflows.labelling.working_alone import Workplace
from lineside.workflows.recipe_rules import RecipeFile

CanarySource = Literal["val", "synthetic"]


@dataclass(frozen=True, slots=True)
class ServerAccess:
    """Where a server is, and with which key it is asked.

    Attributes:
        url: of the server.
        api_key: of role mlops; never shown.
    """

    url: str
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StudioAccess:
    """Where Label Studio is, and the token by which it knows us.

    Attributes:
        url: as people open it; None for the one that the labelling project was pushed to.
        token: never shown.
    """

    url: str | None
    token: Token


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSource:
    """The labelling project to learn from.

    Attributes:
        server: that keeps it.
        project: its name there.
        studio: to pull from; None takes what was pulled before.
        workplace: where programs of this machine find each other.
        group_by: what of the labelled parts stays together in a split.
    """

    server: ServerAccess
    project: str
    studio: StudioAccess | None
    workplace: Workplace
    group_by: GroupBy = GroupBy.PART


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOnServer:
    """The release to beat is what a server says is live.

    Attributes:
        server: whom to ask.
        release_name: only of this model line; None where there is one.
        line: only on this line; None for all.
        product: only of this product; None for all.
    """

    server: ServerAccess
    release_name: str | None = None
    line: str | None = None
    product: str | None = None


@dataclass(frozen=True, slots=True)
class LiveGiven:
    """The release to beat is said.

    Attributes:
        release: `starter:NAME`, `NAME@VERSION` of the registry, or a release folder.
    """

    release: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingWishes:
    """How to train; what is not said is taken from the release that training goes on from.

    Attributes:
        epochs: passes over the training images, at most.
        minutes: limit of the training; None: no limit.
        batch: crops a step.
        image_px: side of the crops; None for the parent's.
        crops_per_image: of each frame in an epoch.
        learning_rate: None for the one that suits a start from weights.
        seed: of weights, crops and order.
        device: where to compute.
        orientation: how crops may be shown.
        photometric: share of the crops in another light.
        patience: epochs without a better figure after which it ends; None: never.
        validate_every: epochs from one look at split val to the next.
    """

    epochs: int = 20
    minutes: float | None = None
    batch: int = 32
    image_px: int | None = None
    crops_per_image: int = 4
    learning_rate: float | None = None
    seed: int = 1
    device: DeviceChoice = DeviceChoice.AUTO
    orientation: Orientation = Orientation.ALL
    photometric: float = 0.0
    patience: int | None = None
    validate_every: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """Go on to the line once the gate let the candidate pass.

    Attributes:
        key: the deploy key.
        trust: the plant's trust file.
        plant: as the server's settings name it.
        lines: only these; empty takes all that the gate's report speaks of.
        products: only these; likewise.
        days: until the deployment expires.
        server: brought there; None signs only.
        override: somebody answers for what the gate did not let pass.
    """

    key: SigningKey = field(repr=False)
    trust: TrustStore
    plant: str = "plant-1"
    lines: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    days: float = 180.0
    server: ServerAccess | None = None
    override: GateOverride | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainPlan:
    """All that decides a retraining.

    Attributes:
        out: folder of the run; one that a killed retraining left is gone on with.
        store: where dataset revisions live, a folder or a URL.
        registry: where releases are kept, a folder or a URL.
        revision: to train on: an id or the start of one. With `labels` it is where a project without a revision
            starts; None otherwise.
        labels: the labelling project whose newest revision is trained on; None trains on `revision` as it stands.
        live: the release to beat and to go on from.
        build_key: signs the candidate; only a look ahead needs none.
        version: of the candidate; None takes the next one.
        val_share: of the new images, for split val.
        split_seed: decides between groups that fit equally well.
        training: how to train.
        int8: also quantise, for engines that run int8.
        parity_frames: at most so many are compared.
        engines: to measure parity of; None for all of this host.
        canaries: where the known defects of the candidate come from.
        policy: limits of the gate.
        recipe: to judge by; None: any defect is NG.
        engine: that judges: "auto", or its name.
        engine_cache: where the choice of engine is remembered; None measures anew.
        promotion: go on to the line; None ends with the gate's answer.
        command: as typed, for the record.
    """

    out: Path
    store: str
    registry: str
    revision: str | None
    live: LiveOnServer | LiveGiven
    build_key: SigningKey | None = field(default=None, repr=False)
    labels: LabelSource | None = None
    version: str | None = None
    val_share: float = 0.2
    split_seed: int = 0
    training: TrainingWishes = field(default_factory=TrainingWishes)
    int8: bool = False
    parity_frames: int = 300
    engines: tuple[str, ...] | None = None
    canaries: CanarySource = "val"
    policy: GatePolicy = field(default_factory=GatePolicy)
    recipe: RecipeFile | None = None
    engine: str = "auto"
    engine_cache: Path | None = None
    promotion: Promotion | None = None
    command: str = "lineside retrain"

    def __post_init__(self) -> None:
        """Refuse what cannot be done.

        Raises:
            RetrainingRefused: see its message.
        """
        if self.revision is None and self.labels is None:
            raise RetrainingRefused("nothing to learn from: give a dataset revision, a labelling project, or both")
        if self.parity_frames < 1:
            raise RetrainingRefused(f"parity on {self.parity_frames} frames; expected at least 1")
