"""A picture from the library to the network: once, and exactly the file that was approved."""

import hashlib

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from publishing import attaching, scheduling, storing
from publishing.delivering import LANE
from publishing.models import LinkCard, Publication
from tests import deliveries, factories, files, shifts
from tests.processes import wait_until
from tests.publishing.steps import agree, write

PATIENCE = 120.0  # a busy machine takes half a minute to start a worker and beat


@pytest.fixture
def plant(sandbox_server, tmp_path, settings, fresh_database):
    """(the sandbox, a channel on it, the post of alice with a picture, approved by bob)."""
    settings.SEALING_KEYS, settings.MEDIA_ROOT = str(tmp_path / "keys"), tmp_path / "media"
    settings.PACE, settings.PRIVATE_HOSTS = 0.05, ["127.0.0.1"]
    sandbox_server.reset()
    control, world = sandbox_server, deliveries.world(sandbox_server, channels=1)
    factories.grant(world.channels[0], world.alice, "manager")
    factories.grant(world.channels[0], world.bob, "approver")
    return control, world


def pictured(world):
    (channel,) = world.channels
    asset = storing.upload(
        world.alice, files.handed_in(files.from_a_phone()), title="Boots", alt_text="Two boots on a wet step."
    )
    post = write(world.alice, [channel])
    attaching.attach(post, asset, world.alice, expected_revision=1)
    post.refresh_from_db()
    return asset, agree(post, world.alice, world.bob)


def carded(world):
    """A post with a link, whose page was read."""
    now, link = timezone.now(), "https://shop.example/winter"
    card = LinkCard(url=link, title="Winter", asked_by=world.alice, asked_at=now, read_at=now, mime="image/jpeg")
    card.sha256 = hashlib.sha256(files.jpeg()).hexdigest()
    card.file.save("", ContentFile(files.jpeg()))
    return agree(write(world.alice, [world.channels[0]], f"Look: {link}"), world.alice, world.bob)


def publish(world, post) -> Publication:
    now = timezone.now()
    publication = scheduling.publish_now(post.variants.get(), world.alice)
    Publication.objects.filter(pk=publication.pk).update(due_at=now, next_attempt_at=now)
    return publication


def ended(publication, state: str) -> Publication:
    def there() -> bool:
        publication.refresh_from_db()
        return publication.state == state

    wait_until(there, f"the publication to be {state}", seconds=PATIENCE)
    return publication


def test_a_picture_goes_out_with_its_alt_text_and_a_card_as_it_was_approved(plant, processes, settings):
    """By a real worker, and without the place where the picture was taken."""
    control, world = plant
    processes.env |= {"SEALING_KEYS": settings.SEALING_KEYS, "MEDIA_ROOT": str(settings.MEDIA_ROOT)}
    asset, post = pictured(world)
    card = publish(world, carded(world))
    processes.worker(9)
    processes.beat()
    ended(publish(world, post), "done")
    ended(card, "done")
    linked, there = sorted(control.posts(), key=lambda each: len(each["media"]))
    assert (linked["card"]["url"], linked["card"]["title"]) == ("https://shop.example/winter", "Winter")
    assert control.file(linked["card"]["picture"]) == files.jpeg()
    (shown,) = there["media"]
    content = control.file(shown)
    assert hashlib.sha256(content).hexdigest() == asset.sha256
    assert "Two boots on a wet step." in [each["alt"] for each in control.media()]
    assert b"Amadou" not in content


def test_a_lost_answer_makes_no_second_post_and_uploads_nothing_again(plant):
    control, world = plant
    _, post = pictured(world)
    control.fault("reset_after", match={"method": "POST", "path": "/api/v1/posts"})
    publish(world, post)
    shifts.run(LANE)
    (there,) = control.posts()
    assert len(there["media"]) == 1
    assert len(control.media()) == 1


def test_a_file_that_somebody_changed_on_the_disk_does_not_go_out(plant):
    control, world = plant
    asset, post = pictured(world)
    publication = publish(world, post)
    with asset.file.storage.open(asset.file.name, "wb") as file:
        file.write(files.jpeg(quality=10))
    shifts.run(LANE)
    publication.refresh_from_db()
    assert publication.state == "failed"
    assert publication.reason == "The file is not what was approved."
    assert control.posts() == []
