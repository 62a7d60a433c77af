"""The list of publications, of one person who answers for them: where a leaver's posts wait to be adopted."""

import pytest

from tests import factories
from tests.publishing.steps import agree, plan, write


def titles(client, query: str) -> str:
    answer = client.get(f"/publications/?state=due{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_only_what_this_person_answers_for_is_listed(acme, alice, bob, dana):
    post = write(alice, [acme])
    agree(post, alice, bob)
    plan(post, dana)
    seen_by_dana = factories.signed_in(dana)
    assert "Winter rates" in titles(seen_by_dana, f"&answerable={dana.pk}")
    assert "Winter rates" not in titles(seen_by_dana, f"&answerable={bob.pk}")


@pytest.mark.parametrize("whose", ["", "x", "-1", "9" * 40, "²"])
def test_a_person_who_is_none_lists_everybodys(acme, alice, bob, dana, whose):
    post = write(alice, [acme])
    agree(post, alice, bob)
    plan(post, dana)
    assert "Winter rates" in titles(factories.signed_in(dana), f"&answerable={whose}")
