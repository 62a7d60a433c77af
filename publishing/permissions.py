"""Who may do what with posts. Fetching is authorising: what somebody may not see does not exist for them."""

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, Exists, F, Func, OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject
from django.http import Http404

from accounts.models import Person, Role, RoleAssignment
from accounts.permissions import has_role, is_present, require_role, role_exists
from channels_registry import permissions as channel_permissions
from channels_registry.models import Channel
from channels_registry.permissions import seen_by
from publishing.models import (
    AgreementLink,
    Approval,
    ApprovalStep,
    ApprovalWorkflow,
    Ask,
    Asset,
    Blackout,
    CalendarFeed,
    Campaign,
    Comment,
    CommentThread,
    Correction,
    Editing,
    ExternalApprover,
    Hold,
    HoldTask,
    Import,
    ImportRow,
    IntakeForm,
    LinkCard,
    Note,
    PhraseOverride,
    PhraseRule,
    Post,
    PostRequest,
    Publication,
    Rendition,
    Revision,
    SavedView,
    Slot,
    Snippet,
    Upload,
    Variant,
)
from publishing.rights import since_agreed

LEADS = (Role.SOCIAL_LEAD, Role.ADMIN)


def visible_posts(person: Person) -> QuerySet[Post]:
    """Posts on a channel that the person may see, their own, and those they were asked to decide on."""
    return _posts(person, seen_by(person))


def posts_to_discuss(person: Person) -> QuerySet[Post]:
    """Those of them that they may comment on: all but what they see as an auditor alone, who changes nothing."""
    own = channel_permissions.channels_with(person, "see").values("pk")
    return _posts(person, Channel.objects.filter(Q(pk__in=own) | role_exists(person, *LEADS)))


def readers_of(post: Post) -> QuerySet[Person]:
    """Who sees the post: whose visible_posts hold it."""
    there = Variant.objects.current().filter(post=post)
    rows = channel_permissions.rights_rows("see").filter(content_object__in=there.values("channel"))
    roles = RoleAssignment.objects.filter(
        Exists(there), person=OuterRef("pk"), role__in=channel_permissions.SEES_EVERYTHING, ended_at=None
    )
    asked = Ask.objects.filter(stage__approval__post=post, person=OuterRef("pk"), ended_at=None)
    granted = Exists(rows.filter(user__person=OuterRef("pk")))
    return Person.objects.present().filter(Q(pk=post.author_id) | granted | Exists(roles) | Exists(asked))


def _posts(person: Person, channels: QuerySet[Channel]) -> QuerySet[Post]:
    there = Variant.objects.current().filter(post=OuterRef("pk"), channel__in=channels.values("pk"))
    asked = Ask.objects.filter(stage__approval__post=OuterRef("pk"), person=person, ended_at=None)
    return Post.objects.filter(_present(person), Q(author=person) | Exists(there) | Exists(asked))


def visible_assets(person: Person) -> QuerySet[Asset]:
    """All of them for whoever may write on some channel; for others those that a post shows, or showed, which they see.

    One query; what the posts show is read only where it is asked for.
    """
    shown = Func(
        F("content"), function="jsonb_path_query", output_field=BigIntegerField(),
        template="(%(function)s(%(expressions)s, '$.variants[*].media[*].asset'))::bigint",
    )  # fmt: skip
    revisions = Revision.objects.filter(post__in=visible_posts(person).values("pk"))
    writes = Exists(channel_permissions.rights_rows("draft").filter(user__person=person))
    return Asset.objects.filter(_present(person), writes | Q(pk__in=revisions.annotate(shown=shown).values("shown")))


def may_draft_somewhere(person: Person) -> bool:
    rows = channel_permissions.rights_rows("draft").filter(user__person=person)
    return is_present(person) and rows.exists()


def visible_publications(person: Person) -> QuerySet[Publication]:
    return Publication.objects.filter(channel__in=seen_by(person).values("pk"))


def _present(person: Person) -> Exists:
    return Exists(Person.objects.present().filter(pk=person.pk))


def access_post(user, pk: int) -> Post:
    """The post, or Http404. The verbs lock it themselves."""
    return _one(visible_posts(user.person).select_related("author", "campaign"), pk, "post")


def access_unsaved(user, post: Post, pk: int) -> Editing:
    """One's own unsaved text, or Http404: nobody else ever sees it."""
    return _one(post.editings.filter(person=user.person, unsaved__isnull=False), pk, "unsaved text")


def access_phrase_rule(user, pk: int) -> PhraseRule:
    """Everybody who is here may know the rules."""
    return _one(PhraseRule.objects.filter(_present(user.person)), pk, "rule")


def access_snippet(user, pk: int) -> Snippet:
    return _one(Snippet.objects.filter(_present(user.person), removed_at=None).select_related("owner"), pk, "snippet")


def access_approval(user, pk: int) -> Approval:
    """The approval with its post and revision, or Http404. The verbs lock it themselves."""
    changed = since_agreed().filter(post=OuterRef("post"), by=user.person)
    found = Approval.objects.filter(post__in=visible_posts(user.person).values("pk"))
    said = PhraseOverride.objects.filter(revision=OuterRef("revision")).order_by("id")
    overrides = ArraySubquery(said.values(said=JSONObject(by="by__name", reason="reason", phrases="phrases")))
    found = found.annotate(reader_changed=Exists(changed), overrides=overrides)
    approval = _one(found.select_related("post__author", "post__campaign", "revision__by", "asked_by"), pk, "approval")
    approval.changed_by_reader = approval.reader_changed
    return approval


def access_thread(user, post: int, pk: int) -> CommentThread:
    """A thread of this post, for whoever sees the post. The verbs say who may write in it."""
    found = CommentThread.objects.filter(post__in=visible_posts(user.person).filter(pk=post).values("pk"))
    return _one(found.select_related("post"), pk, "thread")


def access_comment(user, pk: int) -> Comment:
    found = Comment.objects.filter(thread__post__in=visible_posts(user.person).values("pk"))
    return _one(found.select_related("thread__post"), pk, "comment")


def access_variant(user, pk: int) -> Variant:
    found = Variant.objects.current().filter(post__in=visible_posts(user.person).values("pk"))
    return _one(found.select_related("post__author", "channel"), pk, "post on this channel")


def access_publication(user, pk: int) -> Publication:
    found = visible_publications(user.person).select_related("variant__post", "channel", "answerable", "revision")
    publication = _one(found, pk, "publication")
    publication.variant.channel = publication.channel
    return publication


def visible_campaigns(person: Person) -> QuerySet[Campaign]:
    """Everybody who is here may know of them; which of their posts they see is another question."""
    return Campaign.objects.filter(_present(person))


def access_campaign(user, pk: int) -> Campaign:
    return _one(visible_campaigns(user.person).select_related("owner"), pk, "campaign")


def access_asset(user, pk: int) -> Asset:
    """The asset, or Http404. The verbs lock it themselves."""
    return _one(visible_assets(user.person).select_related("uploaded_by"), pk, "picture")


def access_rendition(user, pk: int) -> Rendition:
    """A file of an asset, or Http404: asked anew at each fetch, so a right that ended shows nothing more."""
    found = Rendition.objects.filter(asset__in=visible_assets(user.person).values("pk"))
    return _one(found.select_related("asset"), pk, "file")


def access_card(user, sha256: str) -> LinkCard:
    """The picture of a link card, or Http404. Who was shown the card knows the digest, and nobody can guess it."""
    if found := LinkCard.objects.filter(sha256=sha256).exclude(sha256="").first():
        return found
    raise Http404("There is no such picture.")


def may_arrange(person: Person) -> bool:
    """Whether they say who has to agree to which posts."""
    return has_role(person, *LEADS)


def access_workflow(user, pk: int) -> ApprovalWorkflow:
    """A workflow in use, for those who arrange them."""
    require_role(user.person, *LEADS)
    return _one(ApprovalWorkflow.objects.filter(archived_at=None), pk, "workflow")


def require_arranger(person: Person) -> None:
    require_role(person, *LEADS)


def access_external(user, pk: int) -> ExternalApprover:
    require_arranger(user.person)
    return _one(ExternalApprover.objects.filter(ended_at=None), pk, "approver from outside")


def access_agreement_link(user, pk: int) -> AgreementLink:
    """A link for a post that they see. The verb says who may take it back."""
    found = AgreementLink.objects.filter(ask__stage__approval__post__in=visible_posts(user.person).values("pk"))
    return _one(found.select_related("ask__external", "ask__stage__approval__post"), pk, "link")


def access_step(user, pk: int) -> ApprovalStep:
    require_role(user.person, *LEADS)
    return _one(ApprovalStep.objects.filter(workflow__archived_at=None).select_related("workflow"), pk, "step")


def access_upload(user, key) -> Upload:
    """One's own, while it is on its way."""
    return _one(Upload.objects.filter(_present(user.person), by=user.person), key, "upload")


def access_correction(user, pk: int) -> Correction:
    found = Correction.objects.filter(publication__in=visible_publications(user.person).values("pk"))
    return _one(found.select_related("publication", "channel"), pk, "change of what is out")


def access_hold(user, pk: int) -> Hold:
    """Everybody who is here may know what is held, and why."""
    holds = Hold.objects.select_related("channel", "campaign__owner", "placed_by", "lifted_by")
    return _one(holds.filter(_present(user.person)), pk, "hold")


def access_hold_task(user, pk: int) -> HoldTask:
    return _one(HoldTask.objects.filter(_present(user.person)), pk, "task of a hold")


def access_request(user, pk: int) -> PostRequest:
    """What somebody without a seat asks for, for those who may write posts, and the leads."""
    may = Exists(channel_permissions.channels_with(user.person, "draft")) | role_exists(user.person, *LEADS)
    found = PostRequest.objects.filter(may).select_related("form", "campaign", "decided_by")
    return _one(found, pk, "request")


def access_intake(user, pk: int) -> IntakeForm:
    return _one(IntakeForm.objects.filter(role_exists(user.person, *LEADS)), pk, "form")


def visible_blackouts(person: Person) -> QuerySet[Blackout]:
    """Whoever is here may know of those over more than a channel, and of those over the channels that they see."""
    return Blackout.objects.filter(_present(person), Q(channel=None) | Q(channel__in=seen_by(person).values("pk")))


def access_blackout(user, pk: int) -> Blackout:
    found = visible_blackouts(user.person).select_related("channel", "campaign", "declared_by", "ended_by")
    return _one(found, pk, "blackout")


def access_slot(user, pk: int) -> Slot:
    found = Slot.objects.filter(channel__in=seen_by(user.person).values("pk")).select_related("channel")
    return _one(found, pk, "slot")


def access_feed(user, pk: int) -> CalendarFeed:
    """One's own; an administrator's are everybody's."""
    mine = Q(_present(user.person), person=user.person)
    found = CalendarFeed.objects.filter(mine | role_exists(user.person, Role.ADMIN))
    return _one(found.select_related("person"), pk, "link")


def may_plan(person: Person) -> bool:
    """Whether they write notes onto the calendar: whoever may write posts somewhere, and the leads."""
    return has_role(person, *LEADS) or may_draft_somewhere(person)


def access_note(user, pk: int) -> Note:
    """Everybody who is here may read it."""
    found = Note.objects.filter(_present(user.person)).select_related("campaign", "added_by")
    return _one(found, pk, "note")


def access_saved_view(user, pk: int) -> SavedView:
    """One's own, or one that is shared."""
    found = SavedView.objects.filter(_present(user.person), Q(person=user.person) | Q(shared=True))
    return _one(found.select_related("person"), pk, "view")


def access_import(user, pk: int) -> Import:
    """A file of posts, for whoever brought it and may still write somewhere. The verbs lock it themselves."""
    return _one(_own_imports(user.person).select_related("by"), pk, "import")


def access_import_row(user, pk: int, number: int) -> ImportRow:
    rows = ImportRow.objects.filter(of__in=_own_imports(user.person).filter(pk=pk), number=number)
    row = rows.select_related("of__by").first()
    if row is None:
        raise Http404("There is no such row, or you may not see it.")
    return row


def _own_imports(person: Person) -> QuerySet[Import]:
    writes = Exists(channel_permissions.rights_rows("draft").filter(user__person=person))
    return Import.objects.filter(_present(person), writes, by=person)


def _one(found: QuerySet, pk: int, noun: str):
    one = found.filter(pk=pk).first()
    if one is None:
        raise Http404(f"There is no such {noun}, or you may not see it.")
    return one
