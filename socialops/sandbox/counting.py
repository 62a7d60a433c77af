"""What is counted on posts and accounts, as GET figures tells it."""

from typing import Any

from socialops.sandbox.state import Record, State

SET = {"likes": 0, "reposts": 0, "quotes": 0, "views": None}  # until somebody says otherwise backstage


def told(state: State, account: Record, posts: str) -> dict[str, Any]:
    """`posts`: ids with commas between them. One that is not there, or not the account's, is null."""
    ours = set(state.posts_of[account["id"]])
    wanted = {each: _figures(state, state.posts[each]) if each in ours else None for each in posts.split(",") if each}
    return {"posts": wanted, "followers": account["followers"], "count": len(ours)}


def _figures(state: State, post: Record) -> dict[str, Any]:
    """Answers are counted as they come; the rest is as it was set."""
    said = (state.comments[each] for each in state.comments_of[post["account"]])
    replies = sum(each["post"] == post["id"] and not each["deleted"] for each in said)
    return {**SET, **post.get("figures", {}), "replies": replies}
