"""What a visitor sees in a browser. Every page says that this is a sandbox."""

import time
from html import escape

from socialops.sandbox.state import Record, State

STYLE = """
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{margin:0}main,header p{max-width:40rem;margin:0 auto;padding:0 1rem}
header{background:#7a3e00;color:#fff;padding:.6rem 0}
article,form{border:1px solid #8888;border-radius:.5rem;padding:.8rem 1rem;margin:1rem 0}
article p{white-space:pre-wrap;overflow-wrap:anywhere;margin:.3rem 0}small{opacity:.8}
label{display:block;margin:.4rem 0}input,textarea{font:inherit;width:100%;box-sizing:border-box;padding:.4rem}
button{font:inherit;padding:.4rem 1rem;margin-top:.4rem}a{color:inherit}img,video{max-width:100%;border-radius:.4rem}
"""
SIGN = "This is a sandbox, not a real network. Nothing here is public, and nobody here is real."
SHOWN = 50


def page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)} (sandbox)</title>'
        '<link rel="icon" href="data:,">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>'
        f'<body><header><p role="note"><strong>{SIGN}</strong></p></header>'
        f"<main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )


def everybody(state: State) -> str:
    accounts = sorted(state.accounts.values(), key=lambda a: a["handle"])
    items = "".join(f'<li><a href="/@{escape(a["handle"])}">{escape(a["name"])}</a></li>' for a in accounts)
    return page("Sandbox network", f"<p>Accounts:</p><ul>{items}</ul>" if items else "<p>No accounts yet.</p>")


def account(state: State, of: Record) -> str:
    """The account: a form to write to it, what was said to it, its newest posts."""
    posts = [state.posts[each] for each in reversed(state.posts_of[of["id"]][-SHOWN:])]
    said = [state.comments[each] for each in state.comments_of[of["id"]]]
    mentions = [c for c in said if c["kind"] == "mention" and not c["deleted"]][-SHOWN:]
    body = f"<p>@{escape(of['handle'])}</p>" + _form(f"/@{of['handle']}", f"Write to {of['name']}")
    body += "".join(_comment(each) for each in mentions)
    body += f"<h2>Posts</h2>{''.join(_post(state, of, each) for each in posts) or '<p>No posts yet.</p>'}"
    return page(of["name"], body)


def post(state: State, of: Record, shown: Record) -> str:
    """One post with what people said about it, and a form to comment as a visitor."""
    comments = [state.comments[each] for each in state.comments_of[of["id"]]]
    mine = [c for c in comments if c["post"] == shown["id"] and not c["deleted"]]
    path = f"/@{of['handle']}/posts/{shown['id']}"
    body = (
        _post(state, of, shown)
        + "<h2>Comments</h2>"
        + ("".join(_comment(c) for c in mine) or "<p>No comments yet.</p>")
    )
    body += _form(path, "Comment as a visitor") + f'<p><a href="/@{escape(of["handle"])}">All posts</a></p>'
    return page(f"A post by {of['name']}", body)


def _post(state: State, of: Record, shown: Record) -> str:
    path = f"/@{escape(of['handle'])}/posts/{shown['id']}"
    place = "" if shown.get("placement", "feed") == "feed" else f" · {escape(shown['placement'])}"
    lang = f' lang="{escape(shown["language"])}"' if shown.get("language") else ""
    return (
        f'<article id="{shown["id"]}"><strong>{escape(of["name"])}</strong>{place}<p{lang}>{escape(shown["text"])}</p>'
        + "".join(_media(state.media[each]) for each in shown.get("media", ()))
        + _card(state, shown.get("card") or {})
        + f'<small><a href="{path}">{_when(shown)}</a></small></article>'
    )


def _card(state: State, card: Record) -> str:
    if not card:
        return ""
    picture = _media(state.media[card["picture"]]) if card["picture"] else ""
    words = f"<strong>{escape(card['title'])}</strong><p>{escape(card['description'])}</p>"
    return f'<a href="{escape(card["url"])}" rel="nofollow noreferrer">{picture}{words}</a>'


def _media(shown: Record) -> str:
    source, alt = f"/media/{shown['id']}", escape(shown["alt"])
    if shown["mime"].startswith("video/"):
        return f'<video src="{source}" controls aria-label="{alt}"></video>'
    return f'<img src="{source}" alt="{alt}">'


def _comment(shown: Record) -> str:
    author = shown["author"]
    return (
        f'<article id="{shown["id"]}"><strong>{escape(author["name"])}</strong> @{escape(author["handle"])}'
        f"<p>{escape(shown['text'])}</p><small>{_when(shown)}</small></article>"
    )


def _form(action: str, title: str) -> str:
    return (
        f'<form method="post" action="{escape(action)}"><h2>{escape(title)}</h2>'
        '<label>Your name<input name="name" required maxlength="60" autocomplete="off"></label>'
        '<label>Text<textarea name="text" rows="3" required maxlength="500"></textarea></label>'
        "<button>Send</button></form>"
    )


def _when(shown: Record) -> str:
    return time.strftime("%d %B %Y, %H:%M:%S UTC", time.gmtime(shown["created_at"]))
