"""Changes of users, sign-ins, codes, passwords and appointments."""

from webapp.domain.accounts.services.codes import request_code, sign_in_with_code
from webapp.domain.accounts.services.parts import NewSignIn, Preferences, ensure_user
from webapp.domain.accounts.services.passwords import (
    change_password,
    hash_password,
    set_password,
    sign_in_with_password,
)
from webapp.domain.accounts.services.profile import (
    change_preferences,
    sign_out,
    sign_out_everywhere,
    tidy_sign_ins,
)
from webapp.domain.accounts.services.staff import (
    area_to_manage,
    close_appointment,
    end_appointment,
    write_appointment,
)

__all__ = [
    "NewSignIn",
    "Preferences",
    "area_to_manage",
    "change_password",
    "change_preferences",
    "close_appointment",
    "end_appointment",
    "ensure_user",
    "hash_password",
    "request_code",
    "set_password",
    "sign_in_with_code",
    "sign_in_with_password",
    "sign_out",
    "sign_out_everywhere",
    "tidy_sign_ins",
    "write_appointment",
]
