"""What every network has to do, said once. The other sides are real servers wherever one exists (see peers.py)."""

import contextlib
import hashlib
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from channels_registry.connector.capabilities import (
    CAPABILITIES,
    SAME_POST_TWICE,
    Converses,
    Deletes,
    Edits,
    GivesBack,
    ListsDoors,
    ListsPosts,
    Measures,
    Network,
    Publishes,
    RevokesDoors,
)
from channels_registry.connector.errors import Disconnected, NetworkError, OutcomeUnknown, Refused, TryLater
from channels_registry.connector.text import length
from channels_registry.connector.types import Card, Continue, Draft, Media, Published, Unsure
from channels_registry.networks import network, slugs
from tests import files
from tests.networks.peers import eventually

STEPS_AT_MOST = 10


def every(*capabilities: type, pictures: bool = False, cards: bool = False):
    """Run for each network that can do this; with `pictures` for those that take some, with `cards` ours."""
    able = [slug for slug in slugs() if all(isinstance(network(slug), each) for each in capabilities)]
    able = [slug for slug in able if network(slug).media.count or not pictures]
    able = [slug for slug in able if not cards or (network(slug).cards and network(slug).cards.sent)]
    return pytest.mark.parametrize("slug", able)


def new_key() -> str:
    return str(uuid.uuid4())


def draft(text: str = "") -> Draft:
    return Draft(text or f"Good morning, ÄÖÜ 日本 👩‍👩‍👧 {new_key()}", language="en", at=datetime.now(UTC))


async def publish(peer, access, what: Draft, marker: str) -> Published:
    """Step after step, each with the handle that the last one left, as the delivery does."""
    handle = {}
    for _ in range(STEPS_AT_MOST):
        outcome = await peer.network.advance(access, what, marker, handle)
        if not isinstance(outcome, Continue):
            return outcome
        handle = outcome.handle
    raise AssertionError(f"not published after {STEPS_AT_MOST} steps")


@every()
async def test_a_network_describes_itself(slug):
    it = network(slug)
    assert it.slug == slug
    assert it.label
    assert it.purpose.endswith(".")
    assert it.idempotency in SAME_POST_TWICE
    assert len({field.name for field in it.fields}) == len(it.fields) > 0
    assert any(isinstance(it, capability) for capability in CAPABILITIES)
    assert length("abc", it.limits.counts_by) == 3


@every()
async def test_connecting_says_who_we_are(peer, access):
    assert access.remote_id
    assert access.handle
    assert access.secrets


@every()
async def test_a_wrong_secret_is_refused_in_plain_words(peer):
    answers = peer.wrong(await peer.account())
    with pytest.raises(Refused) as caught:
        await peer.network.connect(answers.fields, answers.secrets, peer.http)
    assert caught.value.reason.endswith(".")
    assert not any(secret in caught.value.reason + caught.value.detail for secret in answers.secrets.values())


@every()
async def test_connecting_to_nothing_is_not_taken_for_a_wrong_secret(peer):
    answers = await peer.account()
    peer.proxy.down = True
    with pytest.raises(TryLater):
        await peer.network.connect(answers.fields, answers.secrets, peer.http)


@every()
async def test_an_address_inside_our_own_network_is_not_contacted(peer):
    answers = await peer.account()
    fields = {**answers.fields, peer.address_field: "https://169.254.169.254"}
    with pytest.raises(Refused):
        await peer.network.connect(fields, answers.secrets, peer.http)


@every()
async def test_refreshing_keeps_us_who_we_are(peer, access):
    connected = await peer.network.refresh(access)
    assert (connected.remote_id, connected.handle) == (access.remote_id, access.handle)
    renewed = replace(access, secrets=connected.secrets, facts=connected.facts, scopes=connected.scopes)
    again = await peer.network.refresh(renewed)
    assert again.remote_id == access.remote_id


@every(GivesBack)
async def test_what_was_given_back_is_of_no_more_use_and_what_still_stands_is_said(peer, access):
    left = await peer.network.give_back(access)
    assert left.shut or (left.shut is None and left.residual)
    assert (await peer.network.give_back(access)).shut is left.shut  # a worker that died in between asks once more
    if left.shut:
        with pytest.raises(Refused):
            await peer.network.refresh(access)


@every()
async def test_access_that_was_taken_away_is_not_refreshed(peer, access):
    access = await peer.end(access)
    with pytest.raises(Refused):
        await peer.network.refresh(access)


@every(Publishes)
async def test_a_post_stands_there_once_and_as_written(peer, access):
    what, marker = draft(), peer.network.marker(new_key())
    published = await publish(peer, access, what, marker)
    assert published.remote_id
    assert published.url.startswith("http")
    assert await peer.standing(access) == [what.text]


def under(published: Published, root: Published | None = None) -> dict:
    """What a delivery knows of the posts that the next one follows."""
    parent, first = ({**it.evidence, "id": it.remote_id, "url": it.url} for it in (published, root or published))
    return {"root": first, "parent": parent}


@every(Publishes)
async def test_a_thread_stands_there_in_order_though_an_answer_was_lost_in_the_middle(peer, access):
    if not peer.network.limits.thread:
        pytest.skip("this network has no threads")
    first, second, third = draft("One, " + new_key()), draft("Two, " + new_key()), draft("Three, " + new_key())
    root = await publish(peer, access, first, peer.network.marker(new_key()))
    second, marker = replace(second, reply_to=under(root)), peer.network.marker(new_key())
    peer.lose_answer("lose")
    with pytest.raises(OutcomeUnknown):
        await publish(peer, access, second, marker)
    middle = await peer.network.find_published(access, second, marker, {})
    assert isinstance(middle, Published)
    last = replace(third, reply_to=under(middle, root))
    await publish(peer, access, last, peer.network.marker(new_key()))
    assert sorted(await peer.standing(access)) == sorted([first.text, second.text, third.text])
    assert await peer.above(access, middle) == root.remote_id


@every(Publishes)
async def test_what_never_arrived_of_a_thread_is_proven_absent(peer, access):
    if not peer.network.limits.thread:
        pytest.skip("this network has no threads")
    root = await publish(peer, access, draft(), peer.network.marker(new_key()))
    second, marker = replace(draft(), reply_to=under(root)), peer.network.marker(new_key())
    assert await peer.network.find_published(access, second, marker, {}) is None


@every(Publishes)
async def test_a_marker_depends_on_the_key_alone(peer):
    key, other = new_key(), new_key()
    assert peer.network.marker(key) == peer.network.marker(key) != peer.network.marker(other)


@every(Publishes)
async def test_where_resending_is_safe_the_same_marker_makes_no_second_post(peer, access):
    what, marker = draft(), peer.network.marker(new_key())
    first = await publish(peer, access, what, marker)
    if peer.network.resend_is_safe(access):
        again = await publish(peer, access, what, marker)
        assert again.remote_id == first.remote_id
    assert await peer.standing(access) == [what.text]


@every(Publishes)
async def test_two_deliveries_of_one_text_are_two_posts(peer, access):
    what = draft()
    one = await publish(peer, access, what, peer.network.marker(new_key()))
    two = await publish(peer, access, what, peer.network.marker(new_key()))
    assert one.remote_id != two.remote_id
    assert await peer.standing(access) == [what.text, what.text]


@every(Publishes)
async def test_nothing_is_found_where_nothing_was_sent(peer, access):
    await publish(peer, access, draft(), peer.network.marker(new_key()))
    assert await peer.network.find_published(access, draft(), peer.network.marker(new_key()), {}) is None


@every(Publishes)
@pytest.mark.parametrize("kind", ["lose", "error", "garbage"])
async def test_after_a_lost_answer_a_look_finds_the_one_post(peer, access, kind):
    what, marker = draft(), peer.network.marker(new_key())
    peer.lose_answer(kind)
    with pytest.raises(OutcomeUnknown) as caught:
        await publish(peer, access, what, marker)
    assert "not known" in caught.value.reason or "cannot be read" in caught.value.reason
    found = await peer.network.find_published(access, what, marker, {})
    assert isinstance(found, Published)
    assert found.url.startswith("http")
    assert await peer.standing(access) == [what.text]


@every(Publishes)
async def test_a_request_that_never_arrived_is_proven_absent(peer, access):
    what, marker = draft(), peer.network.marker(new_key())
    peer.proxy.plan("refuse", method="POST", path=peer.creating)
    with pytest.raises(OutcomeUnknown):
        await publish(peer, access, what, marker)
    assert await peer.network.find_published(access, what, marker, {}) is None
    assert await peer.standing(access) == []


@every(Publishes)
async def test_a_look_that_fails_proves_nothing(peer, access):
    peer.proxy.down = True
    found = await peer.network.find_published(access, draft(), peer.network.marker(new_key()), {})
    assert isinstance(found, Unsure)
    assert found.reason.endswith(".")


@every(Publishes)
async def test_too_long_a_text_is_refused_before_anything_is_sent(peer, access):
    limits = peer.network.limits_for(access.facts)
    before = len(peer.proxy.seen)
    with pytest.raises(Refused) as caught:
        await publish(peer, access, draft("x" * (limits.text + 1)), peer.network.marker(new_key()))
    assert f"{limits.text} are allowed" in caught.value.reason
    assert len(peer.proxy.seen) == before


@every(Publishes)
async def test_a_text_of_exactly_the_limit_is_taken(peer, access):
    what = draft("é" * peer.network.limits_for(access.facts).text)
    await publish(peer, access, what, peer.network.marker(new_key()))
    assert await peer.standing(access) == [what.text]


@every(Publishes)
async def test_a_network_that_is_away_has_taken_nothing(peer, access):
    peer.proxy.stop()
    with pytest.raises(TryLater):
        await publish(peer, access, draft(), peer.network.marker(new_key()))


@every(Publishes)
async def test_a_dead_credential_says_so(peer, access):
    access = await peer.end(access)
    with pytest.raises(Disconnected):
        await publish(peer, access, draft(), peer.network.marker(new_key()))
    assert await peer.standing(access) == []


@every(Network)
async def test_a_rehearsal_says_as_whom_it_was_let_in_and_changes_nothing(peer, access):
    before = await peer.standing(access)
    seen = await peer.network.rehearse(access)
    assert (seen.remote_id, seen.handle) == (access.remote_id, access.handle)
    assert await peer.standing(access) == before


@every(Network)
async def test_a_rehearsal_with_a_dead_credential_says_so(peer, access):
    access = await peer.end(access)
    with pytest.raises(Disconnected):
        await peer.network.rehearse(access)


@every(Network)
async def test_a_rehearsal_of_a_network_that_is_away_decides_nothing(peer, access):
    peer.proxy.stop()
    with pytest.raises(TryLater):
        await peer.network.rehearse(access)


@every(Network)
def test_what_a_token_should_be_able_to_do_is_asked_for_in_words(slug):
    known = network(slug)
    assert known.asks and all(known.asks.values()) and known.steps
    assert all(known.covers(frozenset(known.asks), scope) for scope in known.asks)


def picture(alt: str = "Two boots on a wet step.", colour: str = "#c2410c", content: bytes | None = None) -> Media:
    """A small JPEG; with `content`, what a disk gives in its place."""
    drawn = files.encoded(files.drawn(colour=colour))
    return Media(lambda: content or drawn, "image/jpeg", alt, 320, 240, hashlib.sha256(drawn).hexdigest())


PICTURED = "A picture for you. "


def pictured(*media: Media) -> Draft:
    return replace(draft(PICTURED + new_key()), media=media or (picture(),))


async def until_the_last_step(peer, access, what: Draft, marker: str) -> dict:
    """The handle with which the post itself is the next thing to be sent."""
    handle = {}
    for _ in range(STEPS_AT_MOST):
        peer.proxy.plan("refuse", method="POST", path=peer.posting)
        with contextlib.suppress(OutcomeUnknown):
            outcome = await peer.network.advance(access, what, marker, handle)
            peer.proxy.clear()
            handle = outcome.handle
            continue
        peer.proxy.clear()
        return handle
    raise AssertionError(f"not uploaded after {STEPS_AT_MOST} steps")


@every(Publishes, pictures=True)
async def test_pictures_stand_there_in_order_with_their_alt_texts_for_everybody(peer, access):
    one, two = picture("Two boots, one of them wet: “Ääh”."), picture("The other pair.", "#0f766e")
    await publish(peer, access, pictured(one, two), peer.network.marker(new_key()))
    assert await eventually(lambda: peer.pictures(access)) == [[one.alt, two.alt]]


@every(Publishes, pictures=True)
async def test_after_a_lost_answer_a_look_finds_the_one_post_with_its_picture(peer, access):
    what, marker = pictured(), peer.network.marker(new_key())
    handle = await until_the_last_step(peer, access, what, marker)
    peer.proxy.plan("lose", method="POST", path=peer.posting)
    with pytest.raises(OutcomeUnknown):
        await peer.network.advance(access, what, marker, handle)
    found = await peer.network.find_published(access, what, marker, handle)
    assert isinstance(found, Published)
    assert await peer.standing(access) == [what.text]
    if peer.network.resend_is_safe(access):
        again = await peer.network.advance(access, what, marker, handle)
        assert again.remote_id == found.remote_id
        assert await peer.standing(access) == [what.text]


@every(Publishes, pictures=True)
async def test_after_a_lost_answer_to_an_upload_there_is_one_post(peer, access):
    what, marker = pictured(), peer.network.marker(new_key())
    peer.proxy.plan("lose", method="POST", path=peer.uploading)
    with pytest.raises(TryLater):
        await publish(peer, access, what, marker)
    assert await peer.standing(access) == []
    await publish(peer, access, what, marker)
    assert await eventually(lambda: peer.pictures(access)) == [[what.media[0].alt]]


@every(Publishes, pictures=True)
async def test_a_file_that_is_not_what_was_approved_is_not_sent(peer, access):
    before = len(peer.proxy.seen)
    with pytest.raises(Refused, match="is not") as caught:
        await publish(peer, access, pictured(picture(content=files.jpeg(quality=20))), peer.network.marker(new_key()))
    assert caught.value.reason == "The file is not what was approved."
    assert len(peer.proxy.seen) == before


@every(Publishes, pictures=True)
async def test_the_same_words_without_the_picture_are_another_post(peer, access):
    what = pictured()
    await publish(peer, access, replace(what, media=()), peer.network.marker(new_key()))
    found = await peer.network.find_published(access, what, peer.network.marker(new_key()), {})
    assert not isinstance(found, Published)


@every(Publishes, cards=True)
@pytest.mark.parametrize("pictured", [True, False])
async def test_a_card_stands_there_as_it_was_approved(peer, access, pictured):
    card = Card("https://shop.example/winter", "Winter “rates”", "All of them.", picture() if pictured else None)
    what, marker = replace(draft(), card=card), peer.network.marker(new_key())
    await publish(peer, access, what, marker)
    assert isinstance(await peer.network.find_published(access, what, marker, {}), Published)
    await publish(peer, access, what, marker)
    assert await peer.standing(access) == [what.text]
    assert await eventually(lambda: peer.card(access)) == (card.url, card.title, card.description)


@every(Publishes, pictures=True)
async def test_a_network_says_what_it_takes_and_where_that_is_written(peer, access):
    limits = peer.network.media_for(access.facts)
    assert limits.source
    assert limits.count >= 1
    assert set(limits.bytes) <= {"image/jpeg", "image/png", "image/webp", "image/gif", "video/mp4", "video/webm"}
    assert limits.alone <= set(limits.bytes)


@every(ListsPosts)
async def test_what_stands_on_the_channel_is_listed_whoever_made_it_and_no_answers(peer, access):
    since = datetime.now(UTC) - timedelta(days=1)
    one, two = draft("The first one. " + new_key()), draft("The second one. " + new_key())
    first = await publish(peer, access, one, peer.network.marker(new_key()))
    below = replace(draft("Under it. " + new_key()), reply_to=under(first))
    await publish(peer, access, below, peer.network.marker(new_key()))
    await publish(peer, access, two, peer.network.marker(new_key()))

    async def both():
        with contextlib.suppress(Refused):  # an account that was made a moment ago
            page = await peer.network.list_posts(access, since, "")
            return page if len(page.posts) == 2 else None

    page = await eventually(both)
    assert {each.text for each in page.posts} == {one.text, two.text}
    assert first.remote_id in {each.remote_id for each in page.posts}
    assert all(each.url.startswith("http") and each.at > since for each in page.posts)
    while page.cursor:
        page = await peer.network.list_posts(access, since, page.cursor)
        assert page.posts == ()


@every(Converses)
async def test_a_customer_is_heard_answered_and_the_answer_found(peer, access):
    post = await publish(peer, access, draft(), peer.network.marker(new_key()))
    await peer.customer_writes(access, "Is it vegan?", post)
    message = await eventually(lambda: heard(peer, access, "Is it vegan?"))
    assert message.author_id
    assert message.author_id != access.remote_id
    assert message.reply_to
    assert message.thread_id
    assert abs((datetime.now(UTC) - message.at).total_seconds()) < 60
    marker = peer.network.reply_marker(new_key())
    assert await peer.network.find_reply(access, message.reply_to, "Yes, it is.", marker) is None
    reply = await peer.network.reply(access, message.reply_to, "Yes, it is.", marker)
    assert reply.remote_id
    await eventually(lambda: seen(peer, access, post, "Yes, it is."))
    found = await peer.network.find_reply(access, message.reply_to, "Yes, it is.", marker)
    assert isinstance(found, Published)
    assert found.remote_id == reply.remote_id


@every(Converses)
async def test_after_a_lost_answer_the_one_reply_is_found(peer, access):
    post = await publish(peer, access, draft(), peer.network.marker(new_key()))
    await peer.customer_writes(access, "When do you open?", post)
    message = await eventually(lambda: heard(peer, access, "When do you open?"))
    marker = peer.network.reply_marker(new_key())
    peer.lose_answer()
    with pytest.raises(OutcomeUnknown):
        await peer.network.reply(access, message.reply_to, "At nine.", marker)
    found = await eventually(lambda: look_for_reply(peer, access, message, "At nine.", marker))
    assert isinstance(found, Published)
    await eventually(lambda: seen(peer, access, post, "At nine."))
    assert await peer.customer_reads(access, post) == ["At nine."]


@every(Converses)
async def test_a_mention_is_heard(peer, access):
    await peer.customer_writes(access, "I like your shop.", None)
    message = await eventually(lambda: heard(peer, access, "I like your shop."))
    assert message.kind == "mention"


@every(Converses)
async def test_polling_again_from_the_cursor_brings_nothing_twice(peer, access):
    await peer.customer_writes(access, "The first.", None)
    await eventually(lambda: heard(peer, access, "The first."))
    cursors = {kind: await drained(peer, access, kind) for kind in peer.network.kinds}
    for kind, cursor in cursors.items():
        page = await peer.network.fetch(access, kind, cursor)
        assert (page.messages, page.more) == ((), False)
    await peer.customer_writes(access, "The second.", None)
    await eventually(lambda: heard(peer, access, "The second.", cursors))


@every(Converses)
async def test_a_cursor_that_makes_no_sense_does_not_stop_the_polls(peer, access):
    await peer.customer_writes(access, "Hello there.", None)
    await eventually(lambda: heard(peer, access, "Hello there."))
    for kind in peer.network.kinds:
        page = await peer.network.fetch(access, kind, "{no cursor}")
        await peer.network.fetch(access, kind, page.cursor)


@every(Converses)
async def test_a_poll_of_a_network_that_is_away_may_be_tried_later(peer, access):
    peer.proxy.down = True
    with pytest.raises(TryLater):
        await peer.network.fetch(access, peer.network.kinds[0], "")


@every(Measures)
async def test_likes_and_answers_are_counted_and_what_the_network_does_not_tell_is_not_a_zero(peer, access):
    post = await publish(peer, access, draft(), peer.network.marker(new_key()))
    await peer.somebody_likes(access, post)
    await peer.customer_writes(access, "Is it vegan?", post)
    figures = await eventually(lambda: counted(peer, access, post, likes=1, replies=1))
    assert figures.reposts == 0
    assert figures.views is None


@every(Measures)
async def test_a_post_that_was_erased_over_there_is_gone_and_the_others_are_still_counted(peer, access):
    here = await publish(peer, access, draft(), peer.network.marker(new_key()))
    erased = await publish(peer, access, draft(), peer.network.marker(new_key()))
    await eventually(lambda: counted(peer, access, erased, likes=0))
    await peer.erase(access, erased)
    both = [here.remote_id, erased.remote_id]

    async def gone():
        told = await peer.network.post_metrics(access, both)
        return told if erased.remote_id in told and told[erased.remote_id] is None else None

    told = await eventually(gone)
    assert told[here.remote_id].likes == 0


@every(Measures)
async def test_a_channel_says_how_many_follow_it(peer, access):
    await publish(peer, access, draft(), peer.network.marker(new_key()))

    async def told():
        with contextlib.suppress(Refused):  # a real network shows a new account a moment later
            it = await peer.network.channel_metrics(access)
            return it if it.posts == 1 else None

    assert (await eventually(told)).followers == 0


@every(Measures)
async def test_figures_of_a_network_that_is_away_are_not_made_up(peer, access):
    post = await publish(peer, access, draft(), peer.network.marker(new_key()))
    peer.proxy.down = True
    with pytest.raises(TryLater):
        await peer.network.post_metrics(access, [post.remote_id])
    with pytest.raises(TryLater):
        await peer.network.channel_metrics(access)


async def counted(peer, access, post, **wanted):
    """The post's figures once they are as wanted."""
    figures = (await peer.network.post_metrics(access, [post.remote_id])).get(post.remote_id)
    return figures if figures and all(getattr(figures, name) == each for name, each in wanted.items()) else None


@every(ListsDoors, RevokesDoors)
async def test_a_door_is_listed_revoked_gone_and_proven_shut(peer, access):
    lets_in = await peer.open_door(access, "dana")
    before = await peer.network.list_doors(access)
    door = next(each for each in before if "dana" in (each.label, each.holder_handle))
    assert door.kind in ("role", "app_password", "app", "invitation", "session")
    assert not door.ours
    assert await lets_in()
    assert (await peer.network.probe(access, door)).shut is not True
    assert not (await peer.network.revoke_door(access, door)).already_gone
    after = await peer.network.list_doors(access)
    assert {each.remote_id for each in before} - {each.remote_id for each in after} == {door.remote_id}
    assert not await lets_in()
    probe = await peer.network.probe(access, door)
    assert probe.shut is not False
    assert probe.detail


@every(ListsDoors, RevokesDoors)
async def test_revoking_twice_is_no_mistake(peer, access):
    await peer.open_door(access, "dana")
    door = next(each for each in await peer.network.list_doors(access) if "dana" in (each.label, each.holder_handle))
    await peer.network.revoke_door(access, door)
    assert (await peer.network.revoke_door(access, door)).already_gone


@every(ListsDoors)
async def test_our_own_door_is_marked(peer, access):
    assert sum(each.ours for each in await peer.network.list_doors(access)) == 1


@every(ListsDoors)
async def test_half_a_list_of_doors_is_never_handed_out(peer, access):
    peer.proxy.plan("garbage", method="GET")
    with pytest.raises(NetworkError):
        await peer.network.list_doors(access)
    peer.proxy.clear()
    peer.proxy.down = True
    with pytest.raises(TryLater):
        await peer.network.list_doors(access)


async def heard(peer, access, text, cursors=None):
    """The message with this text, among everything that the network has told us since `cursors`."""
    for kind in peer.network.kinds:
        cursor = (cursors or {}).get(kind, "")
        for _ in range(STEPS_AT_MOST):
            page = await peer.network.fetch(access, kind, cursor)
            if found := next((each for each in page.messages if text in each.text), None):
                return found
            cursor = page.cursor
            if not page.more:
                break
    return None


async def drained(peer, access, kind) -> str:
    cursor = ""
    for _ in range(STEPS_AT_MOST):
        page = await peer.network.fetch(access, kind, cursor)
        cursor = page.cursor
        if not page.more:
            return cursor
    raise AssertionError("the list does not end")


async def seen(peer, access, post, text):
    return text in await peer.customer_reads(access, post)


async def look_for_reply(peer, access, message, text, marker):
    found = await peer.network.find_reply(access, message.reply_to, text, marker)
    return found if isinstance(found, Published) else None


@every(Publishes, Edits)
async def test_another_text_stands_where_the_first_stood(peer, access):
    published, other = await publish(peer, access, draft(), peer.network.marker(new_key())), draft()
    assert await peer.network.find_edited(access, published.remote_id, other) is None
    for _ in range(2):  # the same again changes nothing
        edited = await peer.network.edit(access, published.remote_id, other)
        assert edited.remote_id == published.remote_id
    assert await peer.standing(access) == [other.text]
    assert isinstance(await peer.network.find_edited(access, published.remote_id, other), Published)


@every(Publishes, Edits)
async def test_what_is_gone_is_not_edited(peer, access):
    published = await publish(peer, access, draft(), peer.network.marker(new_key()))
    await peer.network.delete(access, published.remote_id)
    with pytest.raises(Refused):
        await peer.network.edit(access, published.remote_id, draft())
    assert isinstance(await peer.network.find_edited(access, published.remote_id, draft()), Unsure)


@every(Publishes, Deletes)
async def test_what_is_taken_down_is_gone_and_the_rest_stands(peer, access):
    kept = draft()
    await publish(peer, access, kept, peer.network.marker(new_key()))
    published = await publish(peer, access, draft(), peer.network.marker(new_key()))
    assert await peer.network.find_deleted(access, published.remote_id) is None
    for _ in range(2):  # a worker that died in between asks once more
        await peer.network.delete(access, published.remote_id)
    assert await peer.standing(access) == [kept.text]
    assert isinstance(await peer.network.find_deleted(access, published.remote_id), Published)
