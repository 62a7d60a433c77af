from publishing.models.approval import (
    APPROVAL_MOVES,
    STAGE_MOVES,
    Approval,
    ApprovalStage,
    Ask,
    Decision,
    Remit,
    Rule,
)  # fmt: skip
from publishing.models.asset import Asset, Rendition
from publishing.models.bulk import IMPORT_MOVES, Import, ImportRow
from publishing.models.campaign import Campaign
from publishing.models.card import LinkCard
from publishing.models.comment import Comment, CommentThread
from publishing.models.correction import Correction, CorrectionAttempt
from publishing.models.editing import Editing
from publishing.models.external import AgreementLink, ExternalApprover
from publishing.models.feed import CalendarFeed
from publishing.models.hold import Hold, HoldDecision, HoldTask
from publishing.models.intake import REQUEST_MOVES, IntakeForm, PostRequest
from publishing.models.measurement import COUNTS, MeasuringTurn, PostMeasurement
from publishing.models.native import NativePost
from publishing.models.note import Note
from publishing.models.phrase import PhraseOverride, PhraseRule, Snippet
from publishing.models.post import POST_MOVES, Post, Variant
from publishing.models.publication import Publication, PublicationAttempt
from publishing.models.recurrence import Recurrence
from publishing.models.revision import Revision
from publishing.models.saved_view import OpeningView, SavedView
from publishing.models.silence import Blackout, Embargo
from publishing.models.slot import Slot
from publishing.models.upload import Upload, UploadPiece
from publishing.models.workflow import ApprovalStep, ApprovalWorkflow

__all__ = [
    "APPROVAL_MOVES", "COUNTS", "IMPORT_MOVES", "POST_MOVES", "REQUEST_MOVES", "STAGE_MOVES", "AgreementLink",
    "Approval", "ApprovalStage", "ApprovalStep", "ApprovalWorkflow", "Ask", "Asset", "Blackout", "CalendarFeed",
    "Campaign", "Comment", "CommentThread", "Correction", "CorrectionAttempt", "Decision", "Editing", "Embargo",
    "ExternalApprover", "Hold", "HoldDecision", "HoldTask", "Import", "ImportRow", "IntakeForm", "LinkCard",
    "MeasuringTurn", "NativePost", "Note", "OpeningView", "PhraseOverride", "PhraseRule", "Post", "PostMeasurement",
    "PostRequest", "Publication", "PublicationAttempt", "Recurrence", "Remit", "Rendition", "Revision", "Rule",
    "SavedView", "Slot", "Snippet", "Upload", "UploadPiece", "Variant",
]  # fmt: skip
