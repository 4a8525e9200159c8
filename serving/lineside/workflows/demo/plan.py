"""What a demonstration shall be."""

from dataclasses import dataclass
from pathlib import Path

BOARDS_PER_PANEL = 4
PANELS_PER_LOT = 12


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What the virtual line makes, and where its data lies.

    Attributes:
        data_dir: the server's data folder.
        parts: how many parts; None: until it is stopped.
        defect_rate: true share of defective parts, in [0, 1].
        mark_share: share of all parts that bear dust, ink or a scratch: good as far as those go, whatever the
            detector says; in [0, 1].
        faint_share: share of the defective parts whose defects are hard to see, in [0, 1].
        audit_share: share of the passed parts that are drawn for a person's eyes, in [0, 1].
        film_from: number of the part from which the process is another one: its bath etches too little, so that some of
            the defects are thin films of copper; None: it never changes.
        film_share: share of the defective parts from there on whose defects are such films, in [0, 1].
        products: what the line makes, lot by lot in turn; empty: all that it can.
        first_part: number of the first part: the same line goes on where it stopped.
        seed: of the parts; the same seed makes the same boards with the same defects and marks.
        parts_per_s: pace of the line.
        in_flight: parts at most under way at once; the line waits when the server is behind.
        port: of the server; None: 8470, or any free one if that is taken; 0: any, also for those who listen to it.
        page: whether the page is served.
        language: "en" or "ko".
        releases_dir: folder with releases to use instead of the starters of the same name; they need a signature
            only if there is a trust file.
        trust_file: public keys whose signatures count; None: nothing can be deployed.
        engine: "auto", or an engine's name.
        mes: whether a small MES receives everything, and gives orders and holds.
        mqtt: whether a broker gets everything, as plain JSON and as Sparkplug B.
        opcua: whether the stations are vision systems of an OPC UA server.
    """

    data_dir: Path
    parts: int | None = None
    defect_rate: float = 0.05
    mark_share: float = 0.12
    faint_share: float = 0.25
    audit_share: float = 0.25
    film_from: int | None = None
    film_share: float = 0.5
    products: tuple[str, ...] = ()
    first_part: int = 0
    seed: int = 1
    parts_per_s: float = 6.0
    in_flight: int = 3
    port: int | None = None
    page: bool = True
    language: str = "en"
    releases_dir: Path | None = None
    trust_file: Path | None = None
    engine: str = "auto"
    mes: bool = False
    mqtt: bool = False
    opcua: bool = False

    @property
    def has_peers(self) -> bool:
        """Whether anybody listens."""
        return self.mes or self.mqtt or self.opcua

    @property
    def delivery_file(self) -> Path:
        """Names the demonstration's own sinks; a person's `delivery.yaml` is left alone."""
        return self.data_dir / "delivery.demo.yaml"

    def __post_init__(self) -> None:
        """Refuse a line that cannot run."""
        if self.parts is not None and self.parts < 1:
            raise ValueError(f"{self.parts} parts: expected 1 or more")
        for what, share in (
            ("defect rate", self.defect_rate),
            ("share of marked parts", self.mark_share),
            ("share of faint defects", self.faint_share),
            ("share of films", self.film_share),
            ("audit share", self.audit_share),
        ):
            if not 0.0 <= share <= 1.0:
                raise ValueError(f"{what}: {share}, expected 0 to 1")
        if min(self.first_part, self.film_from or 0) < 0:
            raise ValueError(f"first part {self.first_part}, films from part {self.film_from}: expected numbers from 0")
        if self.parts_per_s <= 0 or self.in_flight < 1 or self.seed < 0:
            raise ValueError(
                f"{self.parts_per_s} parts/s, {self.in_flight} in flight, seed {self.seed}: "
                "expected a pace above 0, at least 1 in flight and a seed of 0 or more"
            )
