"""The API does what its document says, whatever it is sent: schemathesis asks the real application in this process."""

from collections import Counter
from collections.abc import Iterator

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import booleans
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts import issuing
from socialops.wsgi import application
from tests.company import Company, found
from tests.tools import Tool

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance,
]  # fmt: skip
EXAMPLES = 6  # an operation


REAL = {
    "posts": "draft", "approvals": "approval", "publications": "publication", "campaigns": "campaign",
    "assets": "asset",
}  # fmt: skip


@pytest.fixture(scope="module")
def asked(django_db_setup, django_db_blocker) -> Iterator[tuple[Tool, Company]]:
    """A company whose lead asks everything. Each thing that is done is rolled back."""
    with django_db_blocker.unblock(), transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(issuing, "A_MINUTE", 1_000_000)
        for signal in (request_started, request_finished):  # as Django's own client does
            signal.disconnect(close_old_connections)
        company = found()
        company.examples["channel"] = company.channels["blue"]
        yield Tool(company.people["gina"]), company
        transaction.set_rollback(True)
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
def test_whatever_is_asked_is_answered_as_the_document_says(asked, mode, django_db_blocker):
    tool, company = asked
    headers = {"Authorization": f"Bearer {tool.secret}"}
    statuses: Counter = Counter()
    with django_db_blocker.unblock():
        document = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
        for each in document.get_all_operations():
            _ask(each.ok(), mode, headers, company, statuses)
    assert statuses[200] if mode is GenerationMode.POSITIVE else statuses[422], statuses


def _ask(operation, mode: GenerationMode, headers: dict, company: Company, statuses: Counter) -> None:
    example = company.examples[REAL.get(operation.path.split("/")[3], "channel")]

    @settings(EASY, max_examples=EXAMPLES)
    @given(case=operation.as_strategy(generation_mode=mode), there=booleans())
    def ask(case, there: bool) -> None:
        if there and "id" in (case.path_parameters or {}):
            case.path_parameters["id"] = example.pk
        with transaction.atomic():
            response = case.call(headers=headers)
            transaction.set_rollback(True)
        statuses[response.status_code] += 1
        case.validate_response(response, checks=CHECKS)

    ask()


EASY = settings(
    deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None, derandomize=True
)
