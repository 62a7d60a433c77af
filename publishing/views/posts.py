"""Writing: the list of posts, the composer, and its previews."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from publishing import autosaving, carding, drafting, queries
from publishing.forms.posts import PostForm
from publishing.models import Approval, Decision, Post, Rendition, Revision, Variant
from publishing.permissions import access_post, visible_posts
from publishing.queries import cards, merging
from publishing.views.autosaves import restored
from socialops.lib import words
from socialops.lib.numbers import number
from socialops.lib.refusals import add_refusal

PAGE = 50
HELD = ("tags", "expected_revision", "tab", "restored")  # fields of the form that no revision has


class PostListView(View):
    """?state= one of Post.State, ?mine=yes, ?before= the cursor of the page before."""

    def get(self, request: HttpRequest) -> HttpResponse:
        person, state, mine = request.user.person, request.GET.get("state", ""), request.GET.get("mine", "")
        posts = visible_posts(person)
        posts = posts.filter(state=state) if state in Post.State.values else posts
        posts = posts.filter(author=person) if mine else posts
        page, following = queries.post_page(posts, request.GET.get("before", ""), PAGE)
        query = request.GET.copy()
        query["before"] = following
        context = {
            "posts": page, "state": state, "mine": mine, "states": Post.State.choices, "total": posts.count(),
            "next": f"?{query.urlencode()}" if following else "",
        }  # fmt: skip
        return render(request, "publishing/post_list.html", context)


class PostNewView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        form = PostForm(person=request.user.person, initial={"channels": request.GET.getlist("channel")})
        return render(request, "publishing/post_new.html", {"form": form})

    def post(self, request: HttpRequest) -> HttpResponse:
        person, form = request.user.person, PostForm(request.POST, person=request.user.person)
        if form.is_valid():
            said = form.cleaned_data
            try:
                post = drafting.create_post(
                    person, said["channels"], said["text"], said["title"], said["why_now"], form.own_texts, **form.own,
                    campaign=said["campaign"], tags=said["tags"], card_link=said["card_link"],
                )  # fmt: skip
            except (ValidationError, PermissionDenied) as error:
                add_refusal(form, error)
            else:
                messages.success(request, "Saved as a draft.")
                return redirect("submission" if request.POST.get("then") == "ask" else "post", post.pk)
        return render(request, "publishing/post_new.html", {"form": form, **_drawn(request, form)}, status=422)


class PostView(View):
    """GET shows it with what may be done next; POST saves it."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        post, unsaved = access_post(request.user, pk), number(request.GET.get("unsaved"))
        form = restored(request, post, unsaved) if unsaved is not None else None
        return _post_page(request, post, form)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        post = access_post(request.user, pk)
        channels = [v.channel for v in queries.variants_of(post)]
        form = PostForm(request.POST, person=request.user.person, chosen=channels)
        if not form.is_valid():
            return _post_page(request, post, form, status=422)
        said = form.cleaned_data
        try:
            drafting.edit_post(
                post, request.user.person, expected_revision=said["expected_revision"] or 0, text=said["text"],
                title=said["title"], why_now=said["why_now"], channels=said["channels"], variants=form.own_texts,
                campaign=said["campaign"] if "campaign" in request.POST else drafting.UNCHANGED,
                tags=said["tags"] if "tags" in request.POST else None,
                card_link=said["card_link"] if "card_link" in request.POST else None, **form.own,
            )  # fmt: skip
        except drafting.Conflict as conflict:
            return _conflict(request, post, form, conflict)
        except (ValidationError, PermissionDenied) as error:
            add_refusal(form, error)
            return _post_page(request, post, form, status=422)
        autosaving.saved(post, request.user.person, said["tab"], said["restored"])
        messages.success(request, "Saved.")
        return redirect("submission" if request.POST.get("then") == "ask" else "post", pk)


class PreviewsView(View):
    """POST the composer's fields, get what each channel would show. Nothing is saved. ?post= has the pictures.

    Pages that it links to are asked for, so that their cards can be drawn; until then the answer asks again by itself.
    """

    def post(self, request: HttpRequest) -> HttpResponse:
        form = PostForm(request.POST, person=request.user.person)
        form.is_valid()
        its = number(request.GET.get("post"))
        post = access_post(request.user, its) if its is not None else None
        standing = {v.channel_id: v for v in post.variants.current()} if post else {}
        drawn = _drawn(request, form, standing, ask=True)
        fresh = [preview for preview in drawn["previews"] if f"variant_{preview.channel.pk}" not in request.POST]
        return render(request, "publishing/_drawn.html", {**drawn, "fresh": fresh, "post": post, "form": form})


def _post_page(
    request: HttpRequest, post: Post, form: PostForm | None = None, status: int = 200, **more
) -> HttpResponse:
    person, variants = request.user.person, queries.variants_of(post)
    channels = [v.channel for v in variants]
    mine = form_of(post, variants, person)
    offered = {c.pk: c for c in (form or mine).offered}
    writable = [c for c in channels if c.pk in offered and offered[c.pk].may_draft]
    publishable = {c.pk for c in channels if c.pk in offered and offered[c.pk].may_publish}
    drawn = (
        _drawn(request, form, {v.channel_id: v for v in variants})
        if form
        else {"previews": queries.previews(variants, mine)}
    )
    context = {
        "post": post, "form": form or mine,
        "may_edit": len(writable) == len(channels) if channels else post.author_id == person.pk,
        "approvals": queries.approvals_of(post),
        "channels": queries.rows_of(post, variants, publishable), "presence": queries.presence(post, person),
        **drawn, **more,
    }  # fmt: skip
    context["hangings"] = queries.hangings(queries.previews(variants) if form else drawn["previews"])
    context["formats"] = Rendition.Format.choices[:-1]
    context["scheduled"] = any(row.publication for row in context["channels"])
    context["progress"] = queries.progress(context["channels"])
    context["goes_on"] = any(row.moves for row in context["channels"])
    context["returned"] = _returned(post, context["approvals"])
    context["wanted_at"] = next((a.wanted_at for a in context["approvals"] if a.state == "approved"), None)
    context["pending"] = next((a for a in context["approvals"] if a.state == "pending"), None)
    context["asked_now"] = queries.asked_now(context["pending"])
    return render(request, "publishing/post_detail.html", context, status=status)


def _returned(post: Post, approvals: list[Approval]) -> Decision | None:
    """The no that the author has to answer."""
    if post.state not in (Post.State.CHANGES_REQUESTED, Post.State.REJECTED) or not approvals:
        return None
    return next(iter(approvals[0].said), None)


def form_of(post: Post, variants: list[Variant], person) -> PostForm:
    initial = {
        "text": post.text, "title": post.title, "why_now": post.why_now, "expected_revision": post.revision_number,
        "campaign": post.campaign_id, "tags": post.tags, "card_link": post.card_link,
        "channels": [v.channel_id for v in variants], **{f"variant_{v.channel_id}": v.text or "" for v in variants},
        **{f"placement_{v.channel_id}": v.placement for v in variants},
        **{f"thread_{v.channel_id}": v.thread for v in variants},
        **{f"comment_{v.channel_id}": v.first_comment for v in variants},
    }  # fmt: skip
    return PostForm(person=person, chosen=[v.channel for v in variants], initial=initial)


def _drawn(
    request: HttpRequest, form: PostForm, standing: Mapping[int, Variant] | None = None, ask: bool = False
) -> dict:
    """The previews of a form that was sent, whether or not it was accepted. `standing`: what is saved, by channel id;
    its pictures stay. `ask`: have pages read whose cards are not known.
    """
    said, standing = getattr(form, "cleaned_data", {}), standing or {}
    post = Post(author=request.user.person, text=said.get("text") or "", campaign=said.get("campaign"))
    post.card_link, post.state = said.get("card_link") or "", _state_of(standing)
    texts, own = (form.own_texts, form.own) if "channels" in said else ({}, {})
    variants = [
        Variant(
            post=post, channel=c, text=texts.get(c.pk), thread=own["threads"].get(c.pk, []),
            first_comment=own["first_comments"].get(c.pk, ""),
            placement=own["placements"].get(c.pk, c.connector.placements[0].slug),
            media=standing.get(c.pk, Variant()).media, card=standing.get(c.pk, Variant()).card,
        )
        for c in queries.connected(said.get("channels") or [])
    ]  # fmt: skip
    links = cards.links_of(post, variants)
    if ask:
        carding.ask(links, request.user.person)
    known = cards.pages(links)
    for variant in variants:
        variant.card = cards.taken(post, variant, known)
    new = [v.channel_id for v in variants if v.channel_id in standing and v.card != standing[v.channel_id].card]
    drawn = queries.previews(variants, form, queries.active_rules(), known)
    return {"previews": [_with_new_card(each) if each.channel.pk in new else each for each in drawn]}


def _with_new_card(preview: queries.Preview) -> queries.Preview:
    if preview.card is None or not preview.card.page:
        return preview
    return replace(preview, card=replace(preview.card, said="Save, and the post goes out with this card."))


def _state_of(standing: Mapping[int, Variant]) -> str:
    return next((variant.post.state for variant in standing.values()), Post.State.DRAFT)


def _conflict(request: HttpRequest, post: Post, form: PostForm, conflict: drafting.Conflict) -> HttpResponse:
    """Both on one page: theirs, and the form with mine, which may now be saved on top of theirs. Mine is kept, too."""
    person, said = request.user.person, form.cleaned_data
    autosaving.keep(post, person, said["tab"] or uuid4(), form.written, said["expected_revision"] or 0)
    data = request.POST.copy()
    data["expected_revision"] = str(conflict.theirs.number)
    mine = PostForm(data, person=person, chosen=form.asked_for([]))
    mine.is_valid()
    pieces = words.compare(conflict.theirs.content["text"], said["text"])
    differences = queries.theirs_and_mine(conflict.theirs, _drawn(request, mine)["previews"])
    post.refresh_from_db()
    both = _both(request, post, form, conflict.theirs)
    return _post_page(
        request, post, mine, status=409, conflict=conflict, pieces=pieces, differences=differences, both=both
    )


def _both(request: HttpRequest, post: Post, form: PostForm, theirs: Revision) -> dict | None:
    """Theirs and mine in one form, with what it adds to theirs; None where they overlap. Nothing of it is saved."""
    said = form.cleaned_data
    base = post.revisions.filter(number=said["expected_revision"] or 0).first()
    agreed = base is not None and form.agrees_with(post.campaign, post.card_link)
    fields = merging.merged(base, theirs, form.as_revision) if base and agreed else None
    if fields is None:
        return None
    data = request.POST.copy()
    tags = list(dict.fromkeys([*post.tags, *said["tags"]]))
    for name, value in {**fields, "tags": ", ".join(tags), "expected_revision": theirs.number}.items():
        data.setlist(name, [str(each) for each in value] if isinstance(value, (list, set)) else [str(value)])
    whole = PostForm(data, person=request.user.person, chosen=form.asked_for([]))
    whole.is_valid()
    hidden = [(name, value) for name, values in data.lists() if name in HELD or name in fields for value in values]
    adds = queries.theirs_and_mine(theirs, _drawn(request, whole)["previews"])
    return {"hidden": hidden, "adds": adds, "text": fields["text"]}
