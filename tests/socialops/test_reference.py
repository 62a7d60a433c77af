"""The page about the API says what the document says."""

from django.urls import reverse

from socialops import api
from socialops.lib.problems import KINDS
from tests import factories


def test_it_names_every_operation_with_its_scope_its_fields_and_every_problem(db):
    page = factories.signed_in(factories.person("charlie")).get(reverse("reference")).content.decode()
    for path, methods in api.document()["paths"].items():
        assert page.count(f"<code>{path}</code>") == len(methods)
        assert all(
            f"Scope {said['security'][0]['Token'][0]}." in page for said in methods.values() if path != "/api/v1/me"
        )
    assert "The one your change was made on." in page and "<dt><code>revision_hash</code></dt>" in page
    assert all(f'id="{kind}"' in page for kind in KINDS)
