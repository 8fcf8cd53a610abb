"""The demo's agency: its departments, its people, and who is in charge of what."""

from __future__ import annotations

import random
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from itertools import cycle, islice
from typing import Any

import yaml
from sqlalchemy.orm import Session

from core.api import Actor
from core.api.accounts import (
    NewUser,
    RolePlace,
    appoint_administrator,
    assign_role,
    create_department,
    create_team,
    create_user,
    set_team_members,
    take_charges,
)

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段漕钱汤尹黎易常武乔贺赖龚文"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建国志海燕文斌鑫宇浩然欣怡子涵梓晨雨桐博俊凯峰晓东春梅"


@dataclass(frozen=True)
class Unit:
    """A grid as the seeding needs it: its id, code and path."""

    id: int
    code: str
    path: str


@dataclass
class Organisation:
    """What the seeding of components and cases must know of the agency."""

    departments: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Department code → (id, path)."""
    answers: dict[str, str] = field(default_factory=dict)
    """Department key of the filing rules → department code; ``{street}`` stands for the street of the place."""
    clerks: dict[str, int] = field(default_factory=dict)
    heads: dict[str, int] = field(default_factory=dict)
    inspectors: dict[str, int] = field(default_factory=dict)
    """Unit grid code → the inspector in charge."""
    posts: dict[str, int] = field(default_factory=dict)
    """Role key → the user that signs in for it."""
    holders: dict[str, list[int]] = field(default_factory=dict)
    """Role key → everybody who holds that post, whoever signs in for it first."""
    sign_ins: list[dict[str, str]] = field(default_factory=list)

    def answering(self, keys: Sequence[str], street_code: str) -> list[str]:
        """Name the department codes that answer for ``keys`` at a place, first to last."""
        found = [self.answers[key] for key in keys if key in self.answers]
        return [code.replace("{street}", street_code) for code in found]


def plan() -> dict[str, Any]:
    """Read the demo's bodies."""
    text = (files("plugins.urban_mgmt.demo") / "organisation.yaml").read_text("utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def found_departments(
    session: Session, actor: Actor, body: Mapping[str, Any], streets: Sequence[Unit], names: Mapping[str, str]
) -> Organisation:
    """Make the supervision and command centres, 21 + 6 departments, 17 street offices and 10 street teams."""
    made = Organisation()

    def make(code: str, name: str, parent: Any = None, kind: str = "department") -> Any:
        department = create_department(session, actor, code=code, name=name, parent=parent, kind=kind)
        made.departments[code] = (department.id, department.path)
        return department

    supervision = body["supervision"]
    centre = make(supervision["code"], supervision["name"], kind="supervision")
    squadrons = [make(f"SUP{n}", f"第{n}中队", centre, "supervision") for n in range(1, supervision["squadrons"] + 1)]
    for number, squadron in zip(range(1, supervision["detachments"] + 1), cycle(squadrons)):
        make(f"SUPD{number:02d}", f"第{number}分队", squadron, "supervision")
    make(body["command"]["code"], body["command"]["name"], kind="command")
    for kind in ("enforcement", "functional"):
        for one in body[kind]:
            make(one["code"], one["name"], kind=kind)
            made.answers |= dict.fromkeys(one["answers_for"], one["code"])
    for street in streets:
        name = names[street.code]
        make(f"S{street.code}", body["street_office"]["name"].format(street=name), kind="street_office")
    made.answers["subdistrict"] = "S{street}"
    teams = body["street_teams"]
    for number, street in enumerate(islice(streets, teams["count"]), start=1):
        code = teams["code"].format(number=number)
        make(code, teams["name"].format(street=names[street.code]), kind="street_team")
    return made


def hire(session: Session, actor: Actor, organisation: Organisation, names: NameSource) -> None:
    """Give each department a clerk and a head; they have no password until one is set."""
    for code, (department_id, _) in organisation.departments.items():
        if code.startswith("SUP"):
            continue
        for role, known in (("department_clerk", organisation.clerks), ("department_head", organisation.heads)):
            user = _member(session, actor, f"{role}_{code.lower()}", next(names), department_id)
            assign_role(session, actor, user_id=user, role_key=f"urban_mgmt.{role}", place=RolePlace(department_id=department_id))
            known[code] = user


def station_inspectors(
    session: Session,
    actor: Actor,
    organisation: Organisation,
    units: Sequence[Unit],
    communities: Mapping[str, Unit],
    *,
    count: int,
    names: NameSource,
) -> None:
    """Hire the inspectors, each with the role in his communities and in charge of ten to twelve neighbouring unit grids."""
    ordered = sorted(units, key=lambda unit: unit.code)
    detachments = cycle([entry[0] for code, entry in organisation.departments.items() if code.startswith("SUPD")])
    charges: list[tuple[int, int]] = []
    teams: dict[int, dict[int, bool]] = {}
    for number in range(count):
        mine = ordered[number * len(ordered) // count : (number + 1) * len(ordered) // count]
        detachment = next(detachments)
        user = _member(session, actor, f"inspector_{number + 1:03d}", next(names), detachment, employee_number=f"JD{number + 1:04d}")
        for community in sorted({unit.code[:12] for unit in mine}):
            assign_role(session, actor, user_id=user, role_key="urban_mgmt.inspector", place=RolePlace(grid_id=communities[community].id))
        charges += [(user, unit.id) for unit in mine]
        organisation.inspectors |= {unit.code: user for unit in mine}
        teams.setdefault(detachment, {})[user] = number % 40 == 0
    take_charges(session, actor, kind="inspector", charges=charges)
    for number, (detachment, members) in enumerate(teams.items(), start=1):
        team = create_team(
            session, actor, key=f"detachment_{number:02d}", name=f"第{number}分队", kind="detachment", department_id=detachment
        )
        set_team_members(session, actor, team, members)


def open_sign_ins(
    session: Session, actor: Actor, organisation: Organisation, wanted: Sequence[Mapping[str, str]], patrol: Unit | None = None
) -> None:
    """Make one sign-in for each role, with a random password that is told once."""
    for one in wanted:
        password = secrets.token_urlsafe(12)
        department = organisation.departments.get(one.get("department", ""))
        member = create_user(
            session,
            actor,
            NewUser(
                one["username"],
                one["name"],
                password=password,
                department_id=department[0] if department else None,
                must_change_password=False,
            ),
        )
        place = RolePlace(
            grid_id=patrol.id if patrol and one["role"].endswith(".inspector") else None,
            department_id=department[0] if department else None,
        )
        assign_role(session, actor, user_id=member.user_id, role_key=one["role"], place=place)
        if one["role"].endswith(".agency_admin"):
            appoint_administrator(session, actor, member.user_id)
        organisation.posts.setdefault(one["role"], member.user_id)
        organisation.holders.setdefault(one["role"], []).append(member.user_id)
        organisation.sign_ins.append(
            {"agency": actor.agency_key, "username": one["username"], "password": password, "role": one["role"], "name": one["name"]}
        )


def fill_posts(session: Session, actor: Actor, organisation: Organisation, wanted: Mapping[str, int], names: NameSource) -> None:
    """Give each post as many holders as wanted, those who sign in for it among them."""
    centres = {"dispatcher": "CMD"}
    for post, count in wanted.items():
        role = f"urban_mgmt.{post}"
        department_id = organisation.departments[centres.get(post, "SUP")][0]
        holders = organisation.holders.setdefault(role, [])
        for number in range(len(holders) + 1, count + 1):
            user = _member(session, actor, f"{post}_{number:02d}", next(names), department_id)
            assign_role(session, actor, user_id=user, role_key=role)
            holders.append(user)


class NameSource:
    """Made-up names of people, never the same twice in one demo."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._given: set[str] = set()

    def __next__(self) -> str:
        """Give another name."""
        while True:
            name: str = self._chance.choice(_SURNAMES) + "".join(self._chance.choices(_GIVEN, k=self._chance.choice((1, 2, 2, 2))))
            if name not in self._given:
                self._given.add(name)
                return name


def _member(session: Session, actor: Actor, username: str, name: str, department_id: int, *, employee_number: str | None = None) -> int:
    new = NewUser(username, name, department_id=department_id, employee_number=employee_number)
    return create_user(session, actor, new).user_id
