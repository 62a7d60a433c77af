"""Going back to what a post said before: forward, as a new revision under the rules of every change."""

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.audit import record, register
from accounts.models import Person
from publishing import drafting, queries
from publishing.models import Post, Revision

register("post.restored", "brought back what a post said before")


@transaction.atomic
def restore(post: Post, by: Person, number: int, expected_revision: int) -> Revision:
    """The words of revision `number`, on the channels that the post goes to now. A channel it did not have inherits."""
    old = post.revisions.filter(number=number).first()
    if old is None:
        raise ValidationError("There is no such revision.")
    said = {each["channel"]: each for each in old.content["variants"]}
    now = [v.channel_id for v in queries.variants_of(post)]
    texts = {pk: said[pk]["text"] if pk in said and said[pk]["own"] else None for pk in now}
    revision = drafting.edit_post(
        post, by, expected_revision=expected_revision, text=old.content["text"], variants=texts
    )
    record(by, "post.restored", post, restored=number, revision=revision.number)
    return revision
