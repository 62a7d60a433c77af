from django.urls import path

from accounts.views import audit, departures, invitations, mails, notifications, people, settings, tokens

urlpatterns = [
    path("people/", people.PersonListView.as_view(), name="person_list"),
    path("people/new/", people.PersonNewView.as_view(), name="person_new"),
    path("people/<int:pk>/", people.PersonView.as_view(), name="person"),
    path("people/<int:pk>/roles/", people.RoleView.as_view(), name="person_roles"),
    path("people/<int:pk>/roles/<slug:role>/ending/", people.RoleEndingView.as_view(), name="role_ending"),
    path("people/<int:pk>/teams/", people.TeamView.as_view(), name="person_teams"),
    path("people/<int:pk>/teams/<int:membership>/ending/", people.TeamEndingView.as_view(), name="team_ending"),
    path("people/<int:pk>/invitation/", invitations.InvitationNewView.as_view(), name="invitation_new"),
    path("people/<int:pk>/departure/", departures.DepartureNewView.as_view(), name="departure_new"),
    path(
        "people/<int:pk>/departure/withdrawal/",
        departures.DepartureWithdrawalView.as_view(),
        name="departure_withdrawal",
    ),
    path("invitations/<str:token>/", invitations.InvitationView.as_view(), name="invitation"),
    path("notifications/", notifications.NotificationListView.as_view(), name="notification_list"),
    path("notifications/reading/", notifications.NotificationReadingView.as_view(), name="notification_reading"),
    path("audit/", audit.AuditListView.as_view(), name="audit_list"),
    path("mails/", mails.MailListView.as_view(), name="mail_list"),
    path("mails/decision/", mails.MailsDecisionView.as_view(), name="mails_decision"),
    path("mails/<int:pk>/decision/", mails.MailDecisionView.as_view(), name="mail_decision"),
    path("account/", settings.SettingsView.as_view(), name="settings"),
    path("account/hours/", settings.HoursView.as_view(), name="working_hours"),
    path("account/absences/", settings.AbsenceListView.as_view(), name="absence_list"),
    path("account/absences/<int:pk>/withdrawal/", settings.AbsenceWithdrawalView.as_view(), name="absence_withdrawal"),
    path("account/tokens/", tokens.TokenListView.as_view(), name="token_list"),
    path("account/tokens/<int:pk>/ending/", tokens.TokenEndingView.as_view(), name="token_ending"),
    path("tokens/", tokens.EverybodysTokensView.as_view(), name="everybodys_tokens"),
]
