"""What a person does with posts on the pages, for their own tools: the same forms, access functions and verbs."""

from publishing.api import approvals, campaigns, posts, publications

routers = (posts.router, approvals.router, publications.router, campaigns.router)
