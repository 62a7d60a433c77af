"""What a person does with posts on the pages, for their own tools: the same forms, access functions and verbs."""

from publishing.api import approvals, campaigns, comments, pictures, posts, publications

routers = (
    posts.router, comments.router, pictures.router, approvals.router, publications.router, campaigns.router,
)  # fmt: skip
