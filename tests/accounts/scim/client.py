"""A directory, as it talks to us."""

import json
from typing import Any

from django.test import Client

from accounts import entrusting
from accounts.models import Person
from tests.factories import erin

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Directory:
    """Carries a token that erin made."""

    def __init__(self, by: Person | None = None) -> None:
        self.key, self.secret = entrusting.entrust(by or erin(), "scim", "Entra")
        self.client = Client(headers={"Authorization": f"Bearer {self.secret}"}, raise_request_exception=False)

    def ask(self, method: str, path: str, said: Any = None, **headers: str):
        body = said if isinstance(said, bytes) else b"" if said is None else json.dumps(said).encode()
        return self.client.generic(
            method,
            f"/scim/v2/{path}",
            body,
            "application/scim+json",
            headers={k.replace("_", "-"): v for k, v in headers.items()},
        )

    def get(self, path: str, **query: Any):
        return self.client.get(f"/scim/v2/{path}", query)

    def add(self, user_name: str, /, **more: Any):
        return self.ask("POST", "Users", {"schemas": [USER], "userName": user_name, "active": True} | more)

    def patch(self, path: str, *operations: dict[str, Any], **headers: str):
        return self.ask("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, **headers)

    def deactivate(self, pk: Any, **headers: str):
        return self.patch(f"Users/{pk}", {"op": "replace", "path": "active", "value": False}, **headers)

    def activate(self, pk: Any, **headers: str):
        return self.patch(f"Users/{pk}", {"op": "replace", "path": "active", "value": True}, **headers)

    def find(self, text: str) -> list[str]:
        """The userNames that a filter finds."""
        return sorted(each["userName"] for each in said(self.get("Users", filter=text), 200)["Resources"])


def said(answer, status: int) -> Any:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/scim+json"
    body = answer.json()
    if status >= 400:
        assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert body["status"] == str(status) and body["detail"]
    return body
