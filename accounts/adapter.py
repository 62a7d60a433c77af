"""How allauth is told our rules: no sign-up, no way in for somebody who left, second factors sealed at rest."""

from urllib.parse import urlsplit

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import sealing
from accounts.permissions import may_sign_in

log = structlog.get_logger(__name__)
HERE = {"name": "Socialops", "domain": urlsplit(settings.BASE_URL).netloc}  # in mails; a request names any of its hosts


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request):
        return False

    def pre_login(self, request, user, **details):
        """Every way in comes by here first: password, passkey."""
        if not may_sign_in(user):
            return self._turned_away(request)
        return super().pre_login(request, user, **details)

    def login(self, request, user):
        """And here last: a second-factor stage can be 15 minutes old, and its user gone since."""
        if not may_sign_in(user):
            raise ImmediateHttpResponse(self._turned_away(request))
        super().login(request, user)

    def send_password_reset_mail(self, user, email, context):
        if may_sign_in(user):
            super().send_password_reset_mail(user, email, context)

    def get_reset_password_from_key_url(self, key):
        """At the address of this installation, whatever the request said it was talking to."""
        asked = urlsplit(super().get_reset_password_from_key_url(key))
        return f"{settings.BASE_URL}{asked.path}"

    def is_safe_url(self, url):
        """On to a page of this address only: another port or name of this machine is another site."""
        return url_has_allowed_host_and_scheme(url, {context.request.get_host()}, context.request.is_secure())

    def send_mail(self, template_prefix, email, context):
        """Sent at once and never stored, because it carries a link that opens. A broken mail server is no answer."""
        try:
            super().send_mail(template_prefix, email, context | {"current_site": HERE})
        except OSError:  # smtplib's errors are OSErrors
            log.exception("mail_not_sent", kind=template_prefix)

    def _turned_away(self, request):
        clear_login(request)
        return redirect("account_inactive")


class MFAAdapter(DefaultMFAAdapter):
    def encrypt(self, text):
        return sealing.seal(text)

    def decrypt(self, encrypted_text):
        return sealing.opened(encrypted_text)

    def get_totp_issuer(self):
        return "Socialops"

    def _get_site_name(self):
        return "Socialops"
