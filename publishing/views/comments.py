"""The conversation about a post: a page of its own, and a part of the pages that show the post."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views import View

from publishing import commenting, queries
from publishing.forms.comments import CommentForm
from publishing.models import Comment, Post
from publishing.permissions import access_comment, access_post, access_thread, posts_to_discuss, readers_of
from socialops.lib.refusals import add_refusal


class CommentListView(View):
    """GET shows it, to HTMX alone; POST begins a thread."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return _page(request, access_post(request.user, pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        post, person = access_post(request.user, pk), request.user.person

        def begin(form: CommentForm) -> Comment:
            said = form.cleaned_data
            return commenting.open_thread(post, person, said["text"], external=form.external, quote=said["quote"])

        return _said(request, post, begin)


class ThreadView(View):
    """POST goes on with a thread. What it answers is read on the page of all."""

    def post(self, request: HttpRequest, pk: int, thread: int) -> HttpResponse:
        about, person = access_thread(request.user, pk, thread), request.user.person
        return _said(
            request, about.post, lambda form: commenting.answer(about, person, form.cleaned_data["text"]), thread
        )


class ThreadVerbView(View):
    """POST resolves a thread, or opens it again."""

    act = "resolve"

    def post(self, request: HttpRequest, pk: int, thread: int) -> HttpResponse:
        about = access_thread(request.user, pk, thread)
        getattr(commenting, self.act)(about, request.user.person)
        return _page(request, about.post) if request.htmx else redirect("comment_list", pk)


class CommentWithdrawalView(View):
    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        comment = access_comment(request.user, pk)
        commenting.withdraw(comment, request.user.person)
        if request.htmx:
            return _page(request, comment.thread.post)
        messages.success(request, "Taken back.")
        return redirect("comment_list", comment.thread.post_id)


def _said(
    request: HttpRequest, post: Post, say: Callable[[CommentForm], Comment], thread: int | None = None
) -> HttpResponse:
    form, status = CommentForm(request.POST), 422
    if form.is_valid():
        try:
            comment = say(form)
        except (ValidationError, PermissionDenied) as error:
            add_refusal(form, error)
            status = 403 if isinstance(error, PermissionDenied) and not request.htmx else 422
        else:
            address = reverse("comment_list", args=[post.pk])
            return _page(request, post, new=comment.pk) if request.htmx else redirect(f"{address}#comment-{comment.pk}")
    return _page(request, post, form, thread, status=status)


def _page(
    request: HttpRequest, post: Post, form: CommentForm | None = None, wrong: int | None = None, *,
    new: int | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    """`form` was not accepted: in the thread `wrong`, or as a new one. `new` is what was said just now."""
    person = request.user.person
    context = {
        "post": post, "talk": queries.talk(post), "outsiders": queries.outsiders(post), "wrong": wrong, "new": new,
        "answer": form if wrong else None, "form": CommentForm() if wrong or form is None else form,
        "may_comment": posts_to_discuss(person).filter(pk=post.pk).exists(), "reader": person,
        "people": readers_of(post).exclude(pk=person.pk).order_by("name", "pk"),
    }  # fmt: skip
    part = "#talk" if request.htmx else ""
    return render(request, f"publishing/comment_list.html{part}", context, status=status)
