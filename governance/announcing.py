"""What webhooks may say of governance. It stands on no channel, so it is for those who read the whole trail."""

from accounts.announcing import declare

declare(
    "governance",
    "Governance",
    (
        "offboarding_case", "offboarding_batch", "risk", "evidence", "access_request", "break_glass", "access_review",
        "review_item", "legal_hold", "erasure",
    ),
)  # fmt: skip
