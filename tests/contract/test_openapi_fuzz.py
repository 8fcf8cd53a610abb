"""Everything the OpenAPI document says, tried with values made from it: right ones, wrong ones, and at random.

The town is founded in a database of this module alone, because the values
retire, rename and give away whatever they meet.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image
from schemathesis import GenerationMode
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi import checks
from sqlalchemy import text

from core.accounts.models import Agency
from core.authz import known_rights
from core.testing.people import PASSWORD, make_person
from tests.journeys.town import HERE, Town
from tests.journeys.walking import reported

CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
GROUPS = (
    "accounts",
    "attachments",
    "audit",
    "cases",
    "dashboards",
    "definitions",
    "feedback",
    "forms",
    "grids",
    "health",
    "holidays",
    "ledgers",
    "notices",
    "plugins",
    "scores",
    "urban_mgmt",
)
LEDGER = "urban_mgmt.component"
AREA, CARDS, RESIDENTS = "urban_mgmt.area", "urban_mgmt.area,urban_mgmt.department", "urban_mgmt.residents"
POST, YEAR, PERIOD = "urban_mgmt.inspector", f"{datetime.now(UTC):%Y}", "2026-03"
"""A card whose row of the whole is always there, this year, and a month that is over."""
QUICK, THOROUGH = 12, 150
"""Examples an operation: always the same few in the default run, others each time in `make test-fuzz`."""
ALL_RIGHTS = "all-rights"
UNFIT = re.compile("[\x00\r\n]|[^\x00-\xff]")
"""What no HTTP client can put into a header line."""


@dataclass
class Stage:
    """The town under fire, who fires, and real values for the paths."""

    town: Town
    schema: Any
    usernames: dict[str, str]
    passwords: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)
    real: dict[str, list[Any]] = field(default_factory=dict)

    def token(self, who: str) -> str:
        """Sign in, once until the sign-in is gone."""
        if who not in self.tokens:
            self.tokens[who] = self.sign_in(who)
        return self.tokens[who]

    def sign_in(self, who: str) -> str:
        """Sign in anew, whatever was guessed at the door before."""
        with self.town.database.owner_engine.begin() as connection:
            connection.execute(text("DELETE FROM sign_in_count"))
        body = {"username": self.usernames[who], "password": self.passwords[who], "provider": "db"}
        answer = self.town.app.test_client().post("/api/v1/security/login", json=body)
        assert answer.status_code == 200, f"{who} cannot sign in any more: {answer.get_data(as_text=True)}"
        return str(answer.get_json()["access_token"])

    def send(self, who: str, method: str, path: str, **options: Any) -> Any:
        """Send one request as ``who``."""
        headers = {"Authorization": f"Bearer {self.token(who)}"}
        return self.town.app.test_client().open(f"/api/v1{path}", method=method, headers=headers, **options)


@pytest.fixture(scope="module")
def stage(town: Town) -> Stage:
    """Set the town up, with one person who may do everything."""
    with town.database.session(town.agency_id) as session:
        agency = session.get_one(Agency, town.agency_id)
    person = make_person(town.database, agency, sorted(known_rights()))
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", town.app)
    made = Stage(
        town,
        schema,
        {ALL_RIGHTS: person.username, "inspector": "inspector"},
        {ALL_RIGHTS: PASSWORD, "inspector": town.sign_ins["inspector"]["password"]},
    )
    made.real = _real_values(made)
    return made


def _real_values(stage: Stage) -> dict[str, list[Any]]:
    """Find values that lead somewhere, by the names of path parameters."""

    def found(path: str, name: str) -> list[Any]:
        return [one[name] for one in stage.send(ALL_RIGHTS, "GET", path).get_json()["items"]]

    position = {"lon": HERE["lon"], "lat": HERE["lat"]}
    records = [
        stage.send(ALL_RIGHTS, "POST", f"/ledgers/{LEDGER}/records", json={"data": {"kind": "j0101", "name": name}, "position": position})
        for name in ("井盖", "又一井盖", "留给正确请求的井盖")
    ]
    number = reported(stage.town)
    uploaded = stage.send(ALL_RIGHTS, "POST", "/attachments", data={"file": (io.BytesIO(_picture()), "photo.jpg")}).get_json()["uuid"]
    users = found("/users?limit=200", "id")
    district = found("/grids?level=district", "code")[0]
    frozen = [
        stage.send(ALL_RIGHTS, "POST", "/publications", json={"scorecards": [POST], "period": period, "reason": "上月"}).get_json()[
            "items"
        ][0]
        for period in (PERIOD, "2026-02")
    ]
    days = {"opens_on": "2099-01-01", "closes_on": "2099-01-31", "wanted": 1}
    asked = stage.send(ALL_RIGHTS, "POST", f"/surveys/{RESIDENTS}/rounds", json=days).get_json()["uuid"]
    team = stage.send(ALL_RIGHTS, "POST", "/teams", json={"key": "first", "name": "一队"}).get_json()["uuid"]
    return {
        "number": [number],
        "/attachments/uuid": [uploaded],
        "/teams/uuid": [team],
        "/ledgers/code": [one.get_json()["code"] for one in records[:2]],
        "kept": [records[2].get_json()["code"]],
        "user_id": users[-3:],
        "/publications/uuid": [one["uuid"] for one in frozen],
        "/surveys/uuid": [asked],
        "subject": [f"grid:{district}", "whole"],
        "line": ["filed", "valid"],
        "/scorecards": [AREA, POST],
        "/surveys": [RESIDENTS],
        "/dashboards": found("/dashboards", "key"),
        "/indicators": ["urban_mgmt.on_cases.filed", "urban_mgmt.on_holdings.closing_rate"],
        "ledger": [LEDGER],
        "day": ["2026-05-01"],
        "year": [2027],
        "kind": ["form", "workflow", "ledger"],
        "version_id": found("/forms", "id")[:2],
        "/departments": found("/departments", "code")[:3],
        "/roles": found("/roles", "key")[:2],
        "/grids": found("/grids", "code")[:3],
        "/grid-schemes": found("/grid-schemes", "key"),
        "/forms": found("/forms", "key"),
        "/workflows": found("/workflows", "key"),
        "/ledgers": found("/ledgers", "key"),
        "/catalogues": found("/catalogues", "key"),
        "/definitions": found("/forms", "key")[:1],
        "/agencies": found("/agencies", "key"),
        "/plugins": [],  # switched off, its routes would answer 404 to everything after it
    }


def _picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (1, 2, 3)).save(out, "JPEG")
    return out.getvalue()


def _real_paths(stage: Stage, operation: Any) -> list[dict[str, Any]]:
    """Give path parameters that lead somewhere."""
    names = re.findall(r"{(\w+)}", operation.path)
    resource = re.match(r"/api/v1(/[^/]+)", operation.path)[1]
    known = {name: stage.real.get(f"{resource}/{name}") or stage.real.get(name) or stage.real.get(resource, []) for name in names}
    most = max((len(values) for values in known.values()), default=1)
    return [{name: values[number % len(values)] for name, values in known.items()} for number in range(most)] if all(known.values()) else []


def _strategy(stage: Stage, operation: Any) -> st.SearchStrategy[Any]:
    """Mix what should work, what nearly works, and what is all made up."""
    known = [name for name in ("X-Wangge-Agency", "If-Match") if operation.headers.get(name)]
    headers = {name: {"X-Wangge-Agency": "town", "If-Match": '"1"'}[name] for name in known}
    right, wrong = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
    chosen = [
        operation.as_strategy(mode, path_parameters=path, headers=headers)
        for path in _real_paths(stage, operation)
        for mode in (right, right, wrong)
    ]
    chosen += [operation.as_strategy(right), operation.as_strategy(wrong)]
    return st.one_of(chosen)


def _fire(stage: Stage, who: str, operation: Any, examples: int) -> list[str]:
    """Try one operation; give what was wrong, each kind once."""
    wrong: dict[str, str] = {}

    @hypothesis_settings(
        max_examples=examples,
        phases=[Phase.generate],
        deadline=None,
        derandomize=examples == QUICK,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=_strategy(stage, operation))
    def shoot(case: Any) -> None:
        headers = {} if operation.definition.raw.get("security") == [] else {"Authorization": f"Bearer {stage.token(who)}"}
        for name, value in list((case.headers or {}).items()):
            if UNFIT.search(str(value)):
                del case.headers[name]
        answer = case.call(headers=headers)
        if answer.status_code == 401 and headers:
            stage.tokens.pop(who)
        for kind, told in _judge(case, answer):
            wrong.setdefault(f"{kind} {answer.status_code}", f"{operation.label}: {told}")

    shoot()
    return [f"{kind}: {told}" for kind, told in wrong.items()]


def _judge(case: Any, answer: Any) -> Iterator[tuple[str, str]]:
    sent = case.as_curl_command()[-700:]
    if answer.status_code >= 500 and case.operation.path != "/api/v1/health":  # this database was not made by migrations, and it says so
        yield "defect", f"{answer.text[:300]}\n{sent}"
    if answer.status_code >= 400 and case.operation.path != "/api/v1/health":
        yield from (("problem", f"{one}\n{sent}") for one in _flaws_of_problem(answer))
    for check in CHECKS:
        try:
            case.validate_response(answer, checks=[check])
        except FailureGroup as group:
            for failure in group.exceptions:
                yield check.__name__, f"{str(failure)[:600]}\n{answer.text[:300]}\n{sent}"
        except Failure as failure:
            yield check.__name__, f"{str(failure)[:600]}\n{answer.text[:300]}\n{sent}"


def _flaws_of_problem(answer: Any) -> Iterator[str]:
    kind = answer.headers.get("content-type", [""])[0]
    if kind != "application/problem+json":
        yield f"not a problem document but {kind}: {answer.text[:200]}"
        return
    body = answer.json()
    if not re.fullmatch(r"/problems/[a-z-]+", body["type"]) or body["status"] != answer.status_code or not body["detail"]:
        yield f"broken problem document {body}"
    if answer.status_code == 422 and not body.get("errors"):
        yield f"422 without errors[]: {body}"


@pytest.mark.parametrize("who", [ALL_RIGHTS, "inspector"])
@pytest.mark.parametrize("group", GROUPS)
def test_every_operation_keeps_its_word(stage: Stage, group: str, who: str) -> None:
    """Whatever is sent: no 500, only documented answers, and every error a problem document."""
    _fire_at_group(stage, group, who, QUICK)


@pytest.mark.fuzz
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("who", [ALL_RIGHTS, "inspector"])
@pytest.mark.parametrize("group", GROUPS)
def test_every_operation_keeps_its_word_for_long(stage: Stage, group: str, who: str) -> None:
    """The same with many values, which differ from run to run."""
    _fire_at_group(stage, group, who, THOROUGH)


def _fire_at_group(stage: Stage, group: str, who: str, examples: int) -> None:
    operations = [operation for operation in _operations(stage) if operation.tags == [group]]
    assert operations
    wrong = [told for operation in operations for told in _fire(stage, who, operation, examples)]
    assert wrong == [], "\n\n".join(wrong)


def _operations(stage: Stage) -> list[Any]:
    return [result.ok() for result in stage.schema.get_all_operations()]


def test_every_operation_belongs_to_a_group_that_is_tried(stage: Stage) -> None:
    """A new package cannot slip past the list above."""
    assert set(GROUPS) == {tag for operation in _operations(stage) for tag in operation.tags}


TITLE = {"zh_CN": "名", "en": "Name"}
RIGHT = [
    ("POST", "/posts", {"key": "walker", "title": TITLE}, 201),
    ("GET", "/posts", None, 200),
    ("DELETE", "/posts/walker", None, 200),
    ("POST", "/departments", {"code": "W1", "name": "部门"}, 201),
    ("POST", "/departments", {"code": "W2", "name": "部门", "parent": "W1"}, 201),
    ("PATCH", "/departments/W2", {"name": "新名"}, 200),
    ("PUT", "/departments/W2/parent", {"parent": None}, 200),
    ("GET", "/departments/W2/open-work", None, 200),
    ("DELETE", "/departments/W2", None, 200),
    ("POST", "/roles", {"key": "walk", "title": TITLE, "rights": ["accounts:role:read"]}, 201),
    ("GET", "/roles/walk", None, 200),
    ("PATCH", "/roles/walk", {"rights": []}, 200),
    ("DELETE", "/roles/walk", None, 200),
    ("POST", "/users", {"username": "walker", "name": "行者", "password": "a good pass 2026", "phone": "13800000000"}, 201),
    ("GET", "/users?search=walker", None, 200),
    ("POST", "/teams", {"key": "walk", "name": "队"}, 201),
    ("GET", "/assignments", None, 200),
    ("GET", "/responsibilities", None, 200),
    ("GET", "/rights", None, 200),
    ("GET", "/me", None, 200),
    ("PUT", "/me/locale", {"locale": "en"}, 204),
    ("GET", "/agencies/town", None, 200),
    ("GET", "/holidays?year=2026", None, 200),
    ("PUT", "/holidays/2026-05-06", {"kind": "day_off", "title": TITLE}, 200),
    ("DELETE", "/holidays/2026-05-06", None, 204),
    ("PUT", "/office-hours", {"spans": [{"start": "09:00", "end": "17:00"}], "work_day_hours": 8}, 200),
    ("GET", "/office-hours", None, 200),
    ("GET", "/me/notices", None, 200),
    ("POST", "/notice-channels", {"title": "x", "url": "jsons://hooks.example.com/x"}, 201),
    ("GET", "/notice-channels", None, 200),
    ("GET", "/plugins", None, 200),
    ("GET", "/workflows/urban_mgmt.case", None, 200),
    ("GET", "/ledgers/urban_mgmt.component", None, 200),
    ("GET", "/catalogues/urban_mgmt.cjt214", None, 200),
    ("GET", "/forms/urban_mgmt.report", None, 200),
    ("GET", "/forms/urban_mgmt.report/schema", None, 200),
    ("GET", "/definitions/form/urban_mgmt.report/versions", None, 200),
    ("POST", "/forms/urban_mgmt.component/check", {"data": {"kind": "j0101", "name": "井盖"}}, 200),
    ("GET", "/grid-schemes", None, 200),
    ("GET", "/grid-schemes/town", None, 200),
    ("GET", "/grid-schemes/town/check", None, 200),
    ("GET", "/grids?limit=5", None, 200),
    ("GET", f"/grids/locate?lon={HERE['lon']}&lat={HERE['lat']}", None, 200),
    ("GET", "/grids.geojson?level=street", None, 200),
    ("GET", "/cases?limit=5&open=true&sort=due_at", None, 200),
    ("GET", "/me/tasks", None, 200),
    ("GET", f"/cases/hints?lon={HERE['lon']}&lat={HERE['lat']}&workflow=urban_mgmt.case", None, 200),
    ("GET", "/cases/{number}", None, 200),
    ("GET", "/cases/{number}/transitions", None, 200),
    ("GET", f"/ledgers/{LEDGER}/records", None, 200),
    ("GET", f"/ledgers/{LEDGER}/records/{{kept}}", None, 200),
    ("PATCH", f"/ledgers/{LEDGER}/records/{{kept}}", {"data": {"kind": "j0101", "name": "改名"}}, 200),
    ("GET", f"/ledgers/{LEDGER}/history/{{kept}}", None, 200),
    ("POST", f"/ledgers/{LEDGER}/retired/{{kept}}", {"reason": "重复"}, 200),
    ("POST", f"/ledgers/{LEDGER}/restored/{{kept}}", {"reason": "误报"}, 200),
    ("GET", f"/ledgers/{LEDGER}/nearest?lon={HERE['lon']}&lat={HERE['lat']}", None, 200),
    ("GET", f"/ledgers/{LEDGER}/export?format=csv", None, 200),
    ("GET", f"/ledgers/{LEDGER}/export?format=xlsx", None, 200),
    ("GET", f"/ledgers/{LEDGER}/export?format=geojson", None, 200),
    ("GET", "/imports", None, 200),
    ("GET", "/attachments/{/attachments/uuid}", None, 200),
    ("GET", "/attachments/{/attachments/uuid}/thumbnail", None, 200),
    ("GET", "/audit?limit=200", None, 200),
    ("GET", "/urban_mgmt/duties?class_code=e0113", None, 200),
    ("GET", "/scorecards", None, 200),
    ("GET", f"/scorecards/{AREA}", None, 200),
    ("GET", f"/scorecards/{AREA}/scores?period={YEAR}&level=street", None, 200),
    ("GET", f"/scoreboards?scorecards={CARDS}&period={YEAR}", None, 200),
    ("GET", f"/scorecards/{AREA}/scores/{{subject}}?period={YEAR}", None, 200),
    ("GET", f"/scorecards/{AREA}/scores/{{subject}}/lines/filed/facts?period={YEAR}&part=base", None, 200),
    ("GET", f"/publication-preview?scorecards={CARDS}&period={PERIOD}", None, 200),
    ("POST", "/publications", {"scorecards": ["urban_mgmt.department"], "period": PERIOD, "reason": "三月"}, 201),
    ("GET", "/publications", None, 200),
    ("GET", "/publications/{/publications/uuid}", None, 200),
    ("GET", "/publications/{/publications/uuid}/results", None, 200),
    ("GET", "/publications/{/publications/uuid}/facts?subject=whole&line=valid&part=base", None, 200),
    ("GET", "/publications/{/publications/uuid}/late-events", None, 200),
    ("GET", "/publications/{/publications/uuid}/bulletin?format=xlsx", None, 200),
    ("GET", "/publications/{/publications/uuid}/bulletin?format=html", None, 200),
    ("GET", "/dashboards", None, 200),
    ("GET", "/dashboards/{/dashboards}", None, 200),
    ("GET", f"/indicators/urban_mgmt.on_cases.filed/values?period={PERIOD}&by=grid&level=street", None, 200),
    ("GET", f"/indicators/urban_mgmt.on_cases.filed/values?period={PERIOD}&by=day", None, 200),
    ("GET", "/surveys", None, 200),
    ("GET", "/invitations", None, 200),
    ("GET", "/cases/{number}/answers", None, 200),
    ("POST", f"/surveys/{RESIDENTS}/rounds", {"opens_on": "2099-02-01", "closes_on": "2099-02-28", "wanted": 1}, 201),
    ("GET", f"/surveys/{RESIDENTS}/rounds", None, 200),
    ("GET", f"/surveys/{RESIDENTS}/rounds/{{/surveys/uuid}}", None, 200),
    ("GET", "/reopenings", None, 200),
]
"""Right requests in an order in which each works; values in braces are the first of :attr:`Stage.real`."""


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise asks for it
def test_right_requests_are_answered_as_documented(stage: Stage) -> None:
    """Made-up values seldom get as far as a success; these all do, and what they get is what is written."""
    wrong: list[str] = []
    for method, template, body, status in RIGHT:
        path = re.sub(r"{([^}]+)}", lambda found: str(stage.real[found[1]][0]), template)
        headers = {"Authorization": f"Bearer {stage.token(ALL_RIGHTS)}"}
        if (method in {"PATCH", "DELETE", "PUT", "POST"} and body is not None) or method == "DELETE":
            subject = re.sub(r"/parent$", "", path).replace("/retired/", "/records/").replace("/restored/", "/records/")
            headers["If-Match"] = stage.send(ALL_RIGHTS, "GET", subject).headers.get("ETag", '"1"')
        answer = stage.town.app.test_client().open(f"/api/v1{path}", method=method, json=body, headers=headers)
        if answer.status_code != status:
            wrong.append(f"{method} {path}: {answer.status_code} {answer.get_data(as_text=True)[:300]}")
            continue
        operation = stage.schema.find_operation_by_path(method, f"/api/v1{path.partition('?')[0]}")
        try:
            operation.validate_response(answer)
        except (Failure, FailureGroup) as failure:
            wrong.append(f"{method} {path}: {failure} {getattr(failure, 'exceptions', '')}"[:900])
    assert wrong == [], "\n".join(wrong)
