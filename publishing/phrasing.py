"""Words that are not to be said, or need a source; and snippets. A rule warns while one writes and stops a request for
approval, unless its author says why not: that is in the trail, and before the approver.
"""

from collections.abc import Sequence
from datetime import date

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction

from accounts.audit import record, register
from accounts.models import Person
from accounts.permissions import has_role, is_present
from channels_registry import permissions as channel_permissions
from publishing import queries
from publishing.models import PhraseOverride, PhraseRule, Post, Revision, Snippet, Variant
from publishing.permissions import LEADS

register("phrase_rule.added", "made a rule about words")
register("phrase_rule.ended", "ended a rule about words")
register("post.phrases_overridden", "asked for approval of words that a rule speaks against")
register("snippet.saved", "saved a snippet")
register("snippet.removed", "removed a snippet")


@transaction.atomic
def add_rule(by: Person, words: str, kind: str, reason: str) -> PhraseRule:
    """From now on these words are warned of, and need a reason to be asked for."""
    _require_lead(by)
    words = " ".join(words.split())
    if not queries.words_of(words) or len(words) > 120:
        raise ValidationError({"words": "Write one or a few words, 120 characters at most."})
    if kind not in PhraseRule.Kind.values:
        raise ValidationError({"kind": "Choose what these words need."})
    if not reason.strip() or len(reason) > 300:
        raise ValidationError({"reason": "Say why, in 300 characters at most. The author reads it."})
    try:
        with transaction.atomic():
            rule = PhraseRule.objects.create(words=words, kind=kind, reason=reason.strip(), created_by=by)
    except IntegrityError as error:
        raise ValidationError({"words": f"There is already such a rule about “{words}”."}) from error
    record(by, "phrase_rule.added", rule, words=words, kind=kind)
    return rule


@transaction.atomic
def end_rule(rule: PhraseRule, by: Person) -> PhraseRule:
    _require_lead(by)
    rule = PhraseRule.objects.select_for_update().get(pk=rule.pk)
    if rule.active:
        rule.active = False
        rule.save(update_fields=["active"])
        record(by, "phrase_rule.ended", rule, words=rule.words, kind=rule.kind)
    return rule


def refuse_unexplained(post: Post, variants: Sequence[Variant], revision: Revision, by: Person, why: str) -> None:
    """Raises ValidationError where a rule speaks against the words and nobody said why not."""
    found = queries.hits(variants)
    if not found:
        return
    explained = PhraseOverride.objects.filter(revision__post=post, revision__hash=revision.hash)
    if {hit.rule.words for hit in found} <= {p["words"] for each in explained for p in each.phrases}:
        return  # the same words were asked for before, and the reason stands
    if not why.strip():
        said = "; ".join(f"“{hit.rule.words}”: {hit.rule.reason}" for hit in found)
        raise ValidationError({"override": f"Change the words, or say why they are right. {said}"})
    phrases = [{"words": h.rule.words, "kind": h.rule.kind, "reason": h.rule.reason, "where": h.where} for h in found]
    PhraseOverride.objects.create(revision=revision, by=by, phrases=phrases, reason=why.strip())
    record(by, "post.phrases_overridden", post, phrases=[p["words"] for p in phrases], reason=why.strip())


@transaction.atomic
def save_snippet(by: Person, name: str, text: str, expires_on: date | None = None) -> Snippet:
    """A text to be put into posts, under a name; the same name of one's own again replaces it."""
    if not channel_permissions.channels_with(by, "draft").exists():
        raise PermissionDenied("Only somebody who may write posts saves snippets.")
    name = " ".join(name.split())
    if not name or len(name) > 60:
        raise ValidationError({"name": "Give it a name of up to 60 characters."})
    if not text.strip() or len(text) > 5000:
        raise ValidationError({"text": "Write the text, 5,000 characters at most."})
    there = Snippet.objects.select_for_update().filter(name=name, removed_at=None).first()
    if there and there.owner_id != by.pk:
        raise ValidationError({"name": f"{there.owner} has a snippet of this name. Choose another."})
    snippet = there or Snippet(name=name, owner=by)
    snippet.text, snippet.expires_on = text.replace("\r\n", "\n").strip(), expires_on
    snippet.save()
    record(by, "snippet.saved", snippet, name=name)
    return snippet


@transaction.atomic
def remove_snippet(snippet: Snippet, by: Person) -> Snippet:
    snippet = Snippet.objects.select_for_update().get(pk=snippet.pk)
    if snippet.owner_id != by.pk and not has_role(by, *LEADS):
        raise PermissionDenied(f"Only {snippet.owner} or a social lead removes this snippet.")
    if not is_present(by):
        raise PermissionDenied("Somebody who has left cannot do this.")
    snippet.removed_at = snippet.removed_at or queries.now()
    snippet.save(update_fields=["removed_at"])
    record(by, "snippet.removed", snippet, name=snippet.name)
    return snippet


def may_rule(person: Person) -> bool:
    return has_role(person, *LEADS)


def _require_lead(by: Person) -> None:
    if not may_rule(by):
        raise PermissionDenied("Only a social lead or an administrator decides which words may be said.")
