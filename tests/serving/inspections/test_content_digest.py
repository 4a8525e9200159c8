import base64
import hashlib

import pytest

from lineside.serving.errors import DigestMismatch, DigestMissing, DigestUnreadable
from lineside.serving.inspections.content_digest import check_content_digest

BODY = b"a frame"


def entry(algorithm: str, body: bytes) -> str:
    name = algorithm.replace("-", "")
    return f"{algorithm}=:{base64.b64encode(hashlib.new(name, body).digest()).decode()}:"


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(entry("sha-256", BODY), id="sha-256"),
        pytest.param(entry("sha-512", BODY), id="sha-512"),
        pytest.param(entry("sha-256", BODY) + ", " + entry("sha-512", BODY), id="both"),
        pytest.param("md5=:AAAA:, " + entry("sha-256", BODY), id="an algorithm we ignore beside one we check"),
    ],
)
def test_a_matching_digest_gives_the_bodys_sha_256(header: str) -> None:
    checked = check_content_digest(BODY, header, required=True)
    assert (checked.content, checked.digest) == (BODY, hashlib.sha256(BODY).hexdigest())
    assert checked.is_intact


def test_an_absent_digest_is_refused_where_one_is_required() -> None:
    with pytest.raises(DigestMissing, match="Content-Digest"):
        check_content_digest(BODY, None, required=True)


def test_an_absent_digest_passes_where_it_is_waived() -> None:
    checked = check_content_digest(BODY, None, required=False)
    assert checked.digest == hashlib.sha256(BODY).hexdigest()
    assert not checked.is_intact


@pytest.mark.parametrize("required", [True, False])
def test_a_digest_that_is_sent_is_checked_even_where_it_is_waived(required: bool) -> None:  # noqa: FBT001 - a case
    with pytest.raises(DigestMismatch, match="send it again"):
        check_content_digest(BODY, entry("sha-256", b"another frame"), required=required)


def test_one_wrong_digest_of_two_is_enough_to_refuse() -> None:
    with pytest.raises(DigestMismatch):
        check_content_digest(BODY, entry("sha-256", BODY) + ", " + entry("sha-512", b"x"), required=True)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="empty"),
        pytest.param("sha-256=abc", id="not a byte sequence"),
        pytest.param("sha-256=:a:", id="not base64"),
        pytest.param("md5=:AAAA:", id="no algorithm that can be trusted"),
        pytest.param(hashlib.sha256(BODY).hexdigest(), id="bare hex"),
    ],
)
def test_a_digest_that_cannot_be_checked_is_refused(header: str) -> None:
    with pytest.raises(DigestUnreadable):
        check_content_digest(BODY, header, required=False)
