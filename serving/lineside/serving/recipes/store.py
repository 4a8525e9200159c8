"""Reading and writing recipes and reference images in the ledger."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from lineside.serving.errors import VersionConflict
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.tables import recipes, reference_images

EVENT_TYPE = "recipe.v1"


def all_recipes(connection: Connection) -> Sequence[Row[Any]]:
    """Every version of every recipe, oldest first."""
    return connection.execute(select(recipes).order_by(recipes.c.created_at, recipes.c.id, recipes.c.version)).all()


def add_recipe(transaction: Transaction, values: Mapping[str, Any], *, event: Mapping[str, Any]) -> None:
    """Insert a version and append its event.

    Raises:
        VersionConflict: the version came at the same time from somebody else.
    """
    last = transaction.connection.execute(
        select(func.max(recipes.c.version)).where(recipes.c.id == values["id"])
    ).scalar_one()
    if (last or 0) + 1 != values["version"]:
        raise VersionConflict(f"recipe {values['id']!r} version {values['version']} came at the same time")
    transaction.connection.execute(insert(recipes).values(**values))
    transaction.append_event(EVENT_TYPE, station=None, occurred_at=values["created_at"], data=event)


def add_reference(
    transaction: Transaction, digest: str, *, media_type: str, size_bytes: int, now: datetime, created_by: str
) -> None:
    """Insert a reference image's row if it is not there."""
    if find_reference(transaction.connection, digest) is None:
        transaction.connection.execute(
            insert(reference_images).values(
                digest=digest,
                media_type=media_type,
                size_bytes=size_bytes,
                created_at=now,
                created_by=created_by,
            )
        )


def find_reference(connection: Connection, digest: str) -> Row[Any] | None:
    """A reference image's row."""
    return connection.execute(select(reference_images).where(reference_images.c.digest == digest)).one_or_none()


def reference_digests(connection: Connection) -> frozenset[str]:
    """Digests of all reference images: retention must never take them."""
    return frozenset(connection.execute(select(reference_images.c.digest)).scalars())
