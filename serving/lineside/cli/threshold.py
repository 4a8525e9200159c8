"""`lineside threshold`: how many parts a guarantee takes, certifying, and the certificates on a server."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lineside.cli.asking import ServerOption, ask
from lineside.cli.dataset_options import DEFAULT_STORE, StoreOption
from lineside.cli.output import print_json, print_line, print_table, say
from lineside.cli.progress import progress_of
from lineside.cli.release_options import DeployKeyOption, JsonOption, PlantOption, TrustOption, now, open_key, trust_of
from lineside.cli.releases import named_release_folder

if TYPE_CHECKING:
    from lineside.client import LinesideClient
    from lineside.workflows.certifying import SignedCertificate

threshold_app = typer.Typer(
    name="threshold",
    help="Certify thresholds: a miss rate that is guaranteed, or refused with the parts that are missing.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

MissRateOption = Annotated[
    float, typer.Option("--miss-rate", help="Share of defective parts that may be missed, e.g. 0.01.")
]
ConfidenceOption = Annotated[float, typer.Option(help="Of the guarantee.")]
ApiKeyOption = Annotated[
    str,
    typer.Option(
        "--api-key",
        envvar="LINESIDE_API_KEY",
        help="API key of role mlops; better in the variable, where no process list shows it.",
    ),
]
_MOST_MISSES = 5

# As `ThresholdMethod` has them, whose import would slow every other command down; a test compares.
MethodName = Literal["ltt", "conformal-average"]
SamplingName = Literal["random", "designed"]


@threshold_app.command()
def plan(miss_rate: MissRateOption, confidence: ConfidenceOption = 0.95, *, as_json: JsonOption = False) -> None:
    """Say how many defective parts of a class a guarantee takes, by how many of them the threshold may miss.

    The fewest parts give the lowest threshold, hence the most false calls; more parts allow a higher one.
    """
    from lineside.statistics.thresholds import parts_needed

    try:
        rows = [
            {"misses": misses, "parts": parts_needed(miss_rate, misses=misses, confidence=confidence)}
            for misses in range(_MOST_MISSES + 1)
        ]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--miss-rate, --confidence") from error
    if as_json:
        print_json({"miss_rate": miss_rate, "confidence": confidence, "plans": rows})
        return
    say(
        f"defective parts of each class for a miss rate of at most {miss_rate:.4g} at {confidence:.4g} confidence; "
        "drawn at random or designed, independent of each other"
    )
    print_table(("missed at most", "parts needed"), [(str(row["misses"]), str(row["parts"])) for row in rows])


@threshold_app.command()
def certify(
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="A release folder, or `starter:pcb-reference`.")],
    data: Annotated[str, typer.Option(metavar="REV", help="Dataset revision; its calibration split is the sample.")],
    line: Annotated[str, typer.Option(help="The line that the sample comes from; good for no other.")],
    miss_rate: MissRateOption,
    sampled: Annotated[
        SamplingName,
        typer.Option(help="How the sample came together: drawn by chance from the line, or designed beforehand."),
    ],
    declared_by: Annotated[str, typer.Option(help="Who answers for that.", metavar="NAME")],
    key: DeployKeyOption,
    trust: TrustOption,
    out: Annotated[Path, typer.Option(help="Folder for the certificates.", file_okay=False)],
    plant: PlantOption = "plant-1",
    store: StoreOption = DEFAULT_STORE,
    confidence: ConfidenceOption = 0.95,
    classes: Annotated[
        list[str] | None,
        typer.Option(
            "--class", help="Only this class; may be given several times. Every class if none.", show_default=False
        ),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(help="The recipe (YAML) of the line, for its views and references.", exists=True, dir_okay=False),
    ] = None,
    catalogue: Annotated[
        Path | None,
        typer.Option(help="The defect catalogue (YAML) that the recipe names.", exists=True, dir_okay=False),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="The engine that serves; `auto` measures, which may differ on another host.")
    ] = "auto",
    method: Annotated[
        MethodName,
        typer.Option(help="`ltt` is exact; `conformal-average` holds on average only, and certifies nothing."),
    ] = "ltt",
    expires: Annotated[float, typer.Option(help="Days until it expires.", min=0.01, max=3650.0)] = 90.0,
    *,
    part: Annotated[
        bool, typer.Option("--part", help="Certify parts with any defect (beside --class if given).")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Find the thresholds that keep a miss rate, and sign a certificate of each; refused if the sample is too small.

    Judges the calibration split with everything kept that the detector finds, also below the release's thresholds.
    Nothing is signed unless every guarantee that was asked for can be carried.
    """
    from lineside.datasets.revisions import RevisionSelection
    from lineside.inspection.release import Role, Sampling
    from lineside.statistics.thresholds import ThresholdMethod
    from lineside.workflows.certifying import CertificationTask, write_certificates
    from lineside.workflows.certifying import certify as certify_release
    from lineside.workflows.folders import engine_cache_folder
    from lineside.workflows.recipe_rules import RecipeFile

    for name, share in (("--miss-rate", miss_rate), ("--confidence", confidence)):
        if not 0 < share < 1:
            raise typer.BadParameter(f"{share:g} is no share; expected above 0 and below 1", param_hint=name)
    task = CertificationTask(
        release=named_release_folder(release),
        data=RevisionSelection.parse(data),
        store=store,
        recipe=None if recipe is None else RecipeFile(recipe, catalogue),
        engine=engine,
        engine_cache=engine_cache_folder(),
        plant=plant,
        line=line,
        classes=tuple(classes or ()),
        with_part=part,
        miss_rate=miss_rate,
        confidence=confidence,
        method=ThresholdMethod(method),
        sampled=Sampling(sampled),
        declared_by=declared_by,
        days=expires,
    )
    with progress_of("judging") as on_part:
        signed = certify_release(task, open_key(key, Role.DEPLOY), trust_of(trust), now=now(), on_part=on_part)
    files = write_certificates(signed, out)
    if as_json:
        print_json([each.certificate.to_json() for each in signed])
        return
    for each in signed:
        say(_said(each))
    for file in files:
        print_line(str(file))


@threshold_app.command()
def put(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Certificates, or folders of them.", exists=True)
    ],
    server: ServerOption,
    key: ApiKeyOption,
    *,
    as_json: JsonOption = False,
) -> None:
    """Put signed certificates in force on a server; one that is there already changes nothing."""
    from lineside.workflows.certifying import read_certificates

    signed = read_certificates(files)

    async def bring(client: "LinesideClient") -> Sequence[Mapping[str, Any]]:
        return [await client.put_certificate(each.document, each.signature) for each in signed]

    stored = ask(server, key, bring)
    if as_json:
        print_json(stored)
        return
    print_table(_COLUMNS, [_row(each) for each in stored])


@threshold_app.command(name="list")
def list_certificates(
    server: ServerOption,
    key: ApiKeyOption,
    line: Annotated[str | None, typer.Option(help="Only of this line.", show_default=False)] = None,
    *,
    in_force: Annotated[bool, typer.Option("--in-force", help="Only those that did not end.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the certificates that a server accepted, newest first, with how they ended."""
    found = ask(server, key, lambda client: client.certificates(line=line, in_force=in_force))
    if as_json:
        print_json(found)
        return
    print_table(_COLUMNS, [_row(each) for each in found])


@threshold_app.command()
def status(server: ServerOption, key: ApiKeyOption, *, as_json: JsonOption = False) -> None:
    """Say what the thresholds in force rest on, by line and class; why not certified where they are not."""
    found = ask(server, key, lambda client: client.certificate_standing())
    if as_json:
        print_json(found)
        return
    say(f"thresholds {found['threshold_status']}")
    print_table(
        ("line", "product", "release", "class", "threshold", "certified up to", "miss rate", "status"),
        [
            (
                item["line"],
                item["product"],
                item["release_name"],
                each["class_name"],
                f"{each['threshold']:g}",
                "-" if each["certified_threshold"] is None else f"{each['certified_threshold']:g}",
                "-" if each["certificate"] is None else f"{each['miss_rate']:g}",
                "certified" if each["why_not"] is None else f"uncertified: {each['why_not']}",
            )
            for item in found["items"]
            for each in (*item["classes"], *([item["part"]] if item["part"] else []))
        ],
    )


@threshold_app.command()
def end(
    certificate_id: Annotated[str, typer.Argument(metavar="ID", help="As `lineside threshold list` shows it.")],
    server: ServerOption,
    key: ApiKeyOption,
    reason: Annotated[str, typer.Option(help="Why; it goes into the ledger.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """End a certificate: from the next verdict on it guarantees nothing. It never begins again."""
    ended = ask(server, key, lambda client: client.end_certificate(certificate_id, reason=reason))
    if as_json:
        print_json(ended)
        return
    print_table(_COLUMNS, [_row(ended)])


_COLUMNS = ("id", "line", "class", "release", "engine", "threshold", "guarantee", "parts", "expires", "ended")


def _row(view: Mapping[str, Any]) -> tuple[str, ...]:
    certificate, end = view["certificate"], view["certificate"]["end"]
    return (
        certificate["id"],
        certificate["line"],
        certificate["class_name"] or "part",
        f"{certificate['release_name']} {certificate['release_version']}",
        certificate["engine"],
        f"{certificate['threshold']:g}",
        _promise(certificate["miss_rate"], certificate["confidence"], is_guarantee=certificate["is_guarantee"]),
        f"{certificate['misses']} of {certificate['parts']} missed, {certificate['sampled']}",
        certificate["expires_at"],
        view["unusable"] or "-" if end is None else f"{end['at']} {end['cause']}: {end['reason']}",
    )


def _promise(miss_rate: float, confidence: float | None, *, is_guarantee: bool) -> str:
    if confidence is None:
        return f"misses {miss_rate:g} on average, no guarantee"
    promise = f"misses at most {miss_rate:g} at {confidence:g}"
    return promise if is_guarantee else f"{promise}, too unsure to certify"


def _said(signed: "SignedCertificate") -> str:
    certificate = signed.certificate
    figures, scope = certificate.figures, certificate.scope
    return (
        f"{scope.label}: threshold {figures.threshold:g}, "
        f"{_promise(figures.miss_rate, figures.confidence, is_guarantee=certificate.is_guarantee)}; "
        f"{figures.misses} of {figures.parts} parts of {certificate.data.groups} groups missed, "
        f"{figures.never_found} never found, {certificate.data.not_inspected} not inspected; {scope.engine}, line "
        f"{scope.line}, until {certificate.expires_at:%Y-%m-%d}"
    )
