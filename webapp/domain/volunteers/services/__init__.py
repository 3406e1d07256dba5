"""Use-cases of volunteers: each module one part; what others call is named here."""

from webapp.domain.volunteers.services.deciding import (
    Revealed,
    accept,
    ask_back,
    place_volunteer,
    refuse,
    reveal_phone,
)
from webapp.domain.volunteers.services.invitations import (
    Joined,
    join_team,
    make_invitation,
    revoke_invitation,
)
from webapp.domain.volunteers.services.profile import (
    add_certificate,
    answer_question,
    leave,
    make_pledges,
    remove_certificate,
    set_half_days,
    set_skills,
)
from webapp.domain.volunteers.services.signing_up import Answers, SignedUp, sign_up
from webapp.domain.volunteers.services.teams import (
    Name,
    close_organisation,
    close_team,
    end_lead,
    make_organisation,
    make_team,
    name_lead,
    rename_organisation,
    rename_team,
)

__all__ = [
    "Answers",
    "Joined",
    "Name",
    "Revealed",
    "SignedUp",
    "accept",
    "add_certificate",
    "answer_question",
    "ask_back",
    "close_organisation",
    "close_team",
    "end_lead",
    "join_team",
    "leave",
    "make_invitation",
    "make_organisation",
    "make_pledges",
    "make_team",
    "name_lead",
    "place_volunteer",
    "refuse",
    "remove_certificate",
    "rename_organisation",
    "rename_team",
    "reveal_phone",
    "revoke_invitation",
    "set_half_days",
    "set_skills",
    "sign_up",
]
