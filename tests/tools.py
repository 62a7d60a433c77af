"""A person's own tool, as it talks to the API."""

import json
from typing import Any

from django.test import Client

from accounts import issuing
from accounts.models import Scope


class Tool:
    """Carries a token of this person, by default one that is good for everything. Answers with `.json()`."""

    def __init__(self, who, *scopes: str) -> None:
        self.token, self.secret = issuing.issue(who, "Tool", scopes or Scope.values, 30)
        self.client = Client(headers={"Authorization": f"Bearer {self.secret}"}, raise_request_exception=False)

    def get(self, path: str, **query: Any):
        return self.client.get(f"/api/v1/{path}", query)

    def post(self, path: str, said: Any = None, key: str = "", method: str = "POST", **headers: str):
        headers |= {"Idempotency-Key": key} if key else {}
        body = said if isinstance(said, str | bytes) else json.dumps({} if said is None else said)
        return self.client.generic(method, f"/api/v1/{path}", body, "application/json", headers=headers)

    def patch(self, path: str, said: Any):
        return self.post(path, said, method="PATCH")


def said(answer, status: int):
    assert answer.status_code == status, answer.content
    kind = "application/problem+json" if status >= 400 else "application/json"
    assert answer["Content-Type"] == kind
    return answer.json()
