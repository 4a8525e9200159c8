"""GET, POST and DELETE of certificates."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from lineside.serving.bodies import from_base64
from lineside.serving.certificates.book import CertificateRecord
from lineside.serving.certificates.schemas import (
    CertificateIn,
    CertificateList,
    CertificateOut,
    CertificateView,
    StandingList,
)
from lineside.serving.certificates.standing import standing_now
from lineside.serving.dependencies import ServicesDep
from lineside.serving.fields import Name, Prose
from lineside.serving.security import Action, Principal, allow
from lineside.serving.services import Services

router = APIRouter(prefix="/v1/certificates", tags=["certificates"])


@router.get("", dependencies=[Depends(allow(Action.READ_RELEASES))])
async def list_certificates(
    services: ServicesDep,
    line: Annotated[Name | None, Query()] = None,
    in_force: Annotated[bool, Query(description="Only those that something rests on.")] = False,  # noqa: FBT002 - a query
) -> CertificateList:
    """Every certificate that was ever accepted, newest first, with how it ended."""
    views = (
        _view(services, record)
        for record in reversed(services.certificates.book.records)
        if line in (None, record.scope.line)
    )
    return CertificateList(items=tuple(view for view in views if view.is_valid or not in_force))


@router.post("")
async def post_certificate(
    certificate: CertificateIn,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.WRITE_DEPLOYMENTS))],
) -> CertificateView:
    """Put a certificate in force that the deploy key signed; the very same one again changes nothing."""
    document = from_base64("document", certificate.document)
    signature = from_base64("signature", certificate.signature)
    return _view(services, await services.certificates.accept(document, signature, accepted_by=principal.name))


@router.get("/standing", dependencies=[Depends(allow(Action.READ_RELEASES))])
async def get_standing(services: ServicesDep, line: Annotated[Name | None, Query()] = None) -> StandingList:
    """What the thresholds in force rest on now, by line and product; why not certified where they are not."""
    return standing_now(
        services.deployments,
        services.releases,
        services.certificates.book,
        now=services.clock.now(),
        line=line,
    )


@router.get("/{certificate_id}", dependencies=[Depends(allow(Action.READ_RELEASES))])
async def get_certificate(certificate_id: str, services: ServicesDep) -> CertificateView:
    """One certificate."""
    return _view(services, services.certificates.find(certificate_id))


@router.delete("/{certificate_id}")
async def delete_certificate(
    certificate_id: str,
    services: ServicesDep,
    principal: Annotated[Principal, Depends(allow(Action.WRITE_DEPLOYMENTS))],
    reason: Annotated[Prose, Query()],
) -> CertificateView:
    """End a certificate; from the next verdict on it guarantees nothing. Harmless when repeated."""
    return _view(services, await services.certificates.withdraw(certificate_id, by=principal.name, reason=reason))


def _view(services: Services, record: CertificateRecord) -> CertificateView:
    book = services.certificates.book
    return CertificateView(
        certificate=CertificateOut.of(record),
        is_valid=book.is_valid(record, now=services.clock.now()),
        unusable=book.unusable.get(record.id),
    )
