"""Who is asking. An `Actor` is made once per request and is all that queries and services know of it."""

from dataclasses import dataclass
from typing import Self

from webapp.base.permissions import ROLE_PERMISSIONS, SIGNED_IN_PERMISSIONS, Permission, Role


@dataclass(frozen=True)
class Grant:
    """A role held at an area; it reaches the area and all below, never beside or above."""

    role: Role
    area_id: int
    area_path: str


@dataclass(frozen=True)
class Actor:
    """The one who acts: a signed-in user, nobody, a background job or the bearer of a secret link.

    `key` names the actor in `requests` and in the audit log, also where there is no user.
    """

    kind: str
    key: str
    user_id: int | None = None
    person_id: int | None = None
    grants: tuple[Grant, ...] = ()

    @classmethod
    def anonymous(cls, token: str) -> Self:
        """Nobody signed in; `token` tells one browser from another."""
        return cls(kind="anonymous", key=f"anonymous:{token}")

    @classmethod
    def system(cls, job: str) -> Self:
        """A background job or a shell command; it is checked by what it calls, not by grants."""
        return cls(kind="system", key=f"system:{job}")

    @classmethod
    def token(cls, kind: str, token_id: int) -> Self:
        """The bearer of a secret link of this kind."""
        return cls(kind="token", key=f"{kind}:{token_id}")

    @classmethod
    def user(cls, user_id: int, person_id: int | None, grants: tuple[Grant, ...]) -> Self:
        """A signed-in user with the appointments that hold now."""
        return cls(kind="user", key=f"user:{user_id}", user_id=user_id, person_id=person_id, grants=grants)

    @property
    def is_signed_in(self) -> bool:
        """Whether a user stands behind this actor."""
        return self.user_id is not None

    @property
    def is_system(self) -> bool:
        """Whether this is Linli itself: a job or the shell."""
        return self.kind == "system"

    @property
    def is_staff(self) -> bool:
        """Whether the actor holds any appointment."""
        return bool(self.grants)

    def has(self, permission: Permission) -> bool:
        """Whether the actor may do this kind of thing anywhere."""
        if self.is_system:
            return True
        if permission in SIGNED_IN_PERMISSIONS:
            return self.is_signed_in
        return any(permission in ROLE_PERMISSIONS[grant.role] for grant in self.grants)

    def can(self, permission: Permission, path: str) -> bool:
        """Whether the actor may do this kind of thing at the area with this path."""
        if self.is_system:
            return True
        return any(
            path.startswith(grant.area_path) and permission in ROLE_PERMISSIONS[grant.role]
            for grant in self.grants
        )

    def paths(self, permission: Permission) -> tuple[str, ...]:
        """The area paths where the actor holds this permission, without those inside another one."""
        if self.is_system:
            return ("",)
        paths = sorted(
            {grant.area_path for grant in self.grants if permission in ROLE_PERMISSIONS[grant.role]}
        )
        kept: list[str] = []
        for path in paths:
            if not kept or not path.startswith(kept[-1]):
                kept.append(path)
        return tuple(kept)
