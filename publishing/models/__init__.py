from publishing.models.approval import Approval, Decision
from publishing.models.hold import Hold
from publishing.models.post import Post, Revision, Variant
from publishing.models.publication import Publication, PublicationAttempt

__all__ = ["Approval", "Decision", "Hold", "Post", "Publication", "PublicationAttempt", "Revision", "Variant"]
