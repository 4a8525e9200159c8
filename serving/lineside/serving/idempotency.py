"""Answers that are given again when the same request comes again, under the client's idempotency key."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from sqlalchemy import insert, select

from lineside.inspection.canonical_json import canonical_json
from lineside.serving.errors import IdempotencyConflict
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.tables import idempotency

LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class RequestKey:
    """An idempotency key as a client sent it.

    Attributes:
        scope: whose key it is, and for which address.
        key: the key.
    """

    scope: str
    key: str


def request_key(
    request: Request,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=LONGEST_KEY)] = None,
) -> RequestKey | None:
    """The request's idempotency key; None if it has none. Keys of different addresses never meet."""
    return None if idempotency_key is None else RequestKey(request.url.path, idempotency_key)


RequestKeyDep = Annotated[RequestKey | None, Depends(request_key)]


def answered_once(
    transaction: Transaction,
    key: RequestKey | None,
    *,
    caller: str,
    request_body: Mapping[str, Any],
    inspection_id: str | None,
    act: Callable[[], Mapping[str, Any]],
) -> Mapping[str, Any]:
    """Do something once for each idempotency key, in the transaction that also stores its answer.

    Args:
        transaction: where both are written.
        key: the key; without one it is done.
        caller: identifier of the caller's API key; another caller's keys are another's.
        request_body: what the key stands for.
        inspection_id: the inspection it is about; None if it is about none.
        act: does it and gives the answer.

    Raises:
        IdempotencyConflict: the key stands for another request.
    """
    if key is None:
        return act()
    scope = f"{caller} {key.scope}"
    digest = hashlib.sha256(canonical_json(dict(request_body)).encode()).hexdigest()
    known = transaction.connection.execute(
        select(idempotency.c.request_digest, idempotency.c.body).where(
            idempotency.c.scope == scope, idempotency.c.key == key.key
        )
    ).one_or_none()
    if known is not None:
        if known.request_digest != digest:
            raise IdempotencyConflict(
                f"Idempotency-Key {key.key!r} was used here for another request; use a new key for a new one"
            )
        body: Mapping[str, Any] = known.body
        return body
    answer = act()
    transaction.connection.execute(
        insert(idempotency).values(
            scope=scope,
            key=key.key,
            request_digest=digest,
            status=200,
            body=dict(answer),
            inspection_id=inspection_id,
            created_at=transaction.now(),
        )
    )
    return answer
