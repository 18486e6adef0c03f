"""The demo data keep the promises of the documentation, and the file is what the generator makes."""

from __future__ import annotations

import csv
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from office.calendar import Calendar
from office.model import AGENCY_CODE
from service.demo.make_dossiers import AS_OF, COLUMNS, DOSSIERS, OFFICES, render
from tracking.codes import issue
from tracking.deadlines import DeadlinePolicy, Limit, deadline

SLUG = r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?"
FINISHED = {3, 8, 9, 10}
PERSONAL = {"name", "phone", "email", "address", "officer", "citizen", "born", "note"}

Row = dict[str, str]
Table = dict[str, Any]


@pytest.fixture(scope="module")
def table() -> Table:
    return tomllib.loads(OFFICES.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def offices(table: Table) -> dict[str, Table]:
    return {office["id"]: office for office in table["office"]}


@pytest.fixture(scope="module")
def calendars(offices: dict[str, Table]) -> dict[str, Calendar]:
    return {name: Calendar.from_mapping(office.get("calendar", {})) for name, office in offices.items()}


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    with DOSSIERS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def year(rows: list[Row]) -> list[Row]:
    """The dossiers of Tây Hồ received in the first year of the two-tier model."""
    return [
        row for row in rows if row["receiving_office"] == "tay-ho" and "2025-07-01" <= row["received_at"] < "2026-07-01"
    ]


def at(row: Row, column: str) -> datetime:
    return datetime.fromisoformat(row[column])


def finished_in_time(row: Row) -> bool:
    return bool(row["finished_at"]) and at(row, "finished_at") <= at(row, "due_at")


def test_the_file_is_what_the_generator_makes() -> None:
    assert DOSSIERS.read_bytes().decode() == render()
    assert DOSSIERS.stat().st_size < 480_000


def test_the_file_has_the_columns_of_the_import_and_none_about_persons(rows: list[Row]) -> None:
    assert tuple(rows[0]) == COLUMNS
    assert not PERSONAL & {word for column in COLUMNS for word in column.split("_")}


def test_the_office_year_has_the_documented_figures(year: list[Row]) -> None:
    in_time = sum(map(finished_in_time, year))
    still_open = [row for row in year if not row["finished_at"]]
    assert (len(year), in_time) == (2_599, 2_198)
    assert round(100 * in_time / len(year), 2) == 84.57
    assert 20 <= len(still_open) <= 90
    assert {row["status"] for row in still_open} == {"2", "4", "5", "6"}
    assert all(at(row, "due_at") < AS_OF for row in still_open)


def test_the_office_year_looks_like_one(year: list[Row]) -> None:
    share = {channel: count / len(year) for channel, count in Counter(row["channel"] for row in year).items()}
    assert share["online"] == pytest.approx(0.747, abs=0.03)
    assert share["counter"] > share["post"] > 0
    weekdays = Counter(at(row, "received_at").weekday() for row in year)
    assert weekdays[0] > weekdays[4] > 4 * weekdays[5] > 4 * weekdays[6]
    days_early = sum(at(row, "finished_at").date() < at(row, "due_at").date() for row in filter(finished_in_time, year))
    assert days_early > 0.25 * len(year)
    per_day = Counter(at(row, "received_at").date() for row in year)
    assert per_day[date(2026, 2, 23)] > 2 * len(year) / 300  # the first day after Tết


def test_nothing_arrives_on_public_holidays(year: list[Row]) -> None:
    holidays = {"2025-09-02", "2026-01-01", "2026-02-17", "2026-02-18", "2026-04-30", "2026-05-01"}
    assert not holidays & {row["received_at"][:10] for row in year}


def test_the_further_dossiers_show_every_status(rows: list[Row], year: list[Row]) -> None:
    further = [row for row in rows if row not in year]
    assert 140 <= len(further) <= 160
    assert {row["status"] for row in further} == {str(status) for status in range(1, 11)}
    assert all("2026-08-01" <= row["received_at"] < "2026-11-22" for row in further)


def test_the_documented_dossier_is_there(rows: list[Row]) -> None:
    (named,) = (row for row in rows if row["code"] == "H26.18-260921-0007")
    assert (named["status"], named["receiving_office"], named["competent_agency"]) == (
        "4",
        "tay-ho",
        "H26.18",
    )
    assert at(named, "due_at") > datetime.fromisoformat("2026-11-22T23:59:59+07:00")


def test_codes_are_strict_unique_and_serial_per_agency_and_day(rows: list[Row]) -> None:
    serials: dict[str, list[int]] = {}
    for row in rows:
        agency, day, serial = row["code"].split("-")
        assert row["code"] == issue(agency, at(row, "received_at").date(), int(serial)).text
        serials.setdefault(agency + day, []).append(int(serial))
    assert all(found == list(range(1, len(found) + 1)) for found in serials.values())


def test_everything_a_dossier_names_exists(rows: list[Row], table: Table, offices: dict[str, Table]) -> None:
    agencies = {agency["code"] for agency in table["agency"]}
    for row in rows:
        offered = {code for service in offices[row["receiving_office"]]["service"] for code in service["procedures"]}
        assert row["procedure"] in offered, row
        assert row["competent_agency"] in agencies, row
        assert row["code"].split("-")[0] in offices[row["receiving_office"]]["agencies"], row


def test_some_dossiers_are_handed_in_where_another_agency_is_competent(
    rows: list[Row], offices: dict[str, Table]
) -> None:
    elsewhere = [row for row in rows if row["competent_agency"] not in offices[row["receiving_office"]]["agencies"]]
    assert 0 < len(elsewhere) < len(rows) / 5
    assert {"H26.19", "H26.11"} <= {row["competent_agency"] for row in elsewhere}


def test_every_due_time_follows_the_rules(
    rows: list[Row], table: Table, offices: dict[str, Table], calendars: dict[str, Calendar]
) -> None:
    limits = {procedure["code"]: procedure["limits"] for procedure in table["procedure"]}
    for row in rows:
        office, received = row["receiving_office"], at(row, "received_at")
        in_force = [each for each in limits[row["procedure"]] if each["valid_from"] <= received.date()][-1]
        cutoff = {key: value for key, value in offices[office].get("policy", {}).items() if key == "transfer_cutoff"}
        policy, limit = DeadlinePolicy.from_mapping(cutoff), Limit.parse(in_force["limit"])
        clock = deadline(received, limit, calendars[office], policy, online=row["channel"] == "online")
        assert at(row, "due_at") == clock.due, row
        promised = date.fromisoformat(row["appointment_on"])
        assert (promised > clock.due_on) if row["appointment_changes"] == "1" else (promised == clock.due_on), row


def test_offices_take_dossiers_in_only_while_open(rows: list[Row], calendars: dict[str, Calendar]) -> None:
    taken_in = [row for row in rows if row["channel"] != "online"]
    assert taken_in
    for row in taken_in:
        assert calendars[row["receiving_office"]].is_open(at(row, "received_at")), row


def test_times_ascend_and_agree_with_the_status(rows: list[Row]) -> None:
    for row in rows:
        status = int(row["status"])
        times = [row[column] for column in ("received_at", "finished_at", "returned_at") if row[column]]
        assert times == sorted(times), row
        assert datetime.fromisoformat(times[-1]) <= AS_OF, row
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+07:00", text) for text in [*times, row["due_at"]])
        assert bool(row["finished_at"]) == (status in FINISHED), row
        assert bool(row["returned_at"]) == (status == 10), row


def everything(table: Table, kind: str) -> Iterator[Table]:
    for office in table["office"]:
        yield from office.get(kind, ())


def test_ids_codes_and_keys_are_well_formed_and_unique(table: Table) -> None:
    counters = list(everything(table, "counter"))
    unique: list[tuple[list[str], str]] = [
        ([procedure["code"] for procedure in table["procedure"]], r"[0-9A-Za-z.\-]{1,40}"),
        ([office["id"] for office in table["office"]], SLUG),
        ([office["short_key"] for office in table["office"]], r"[a-z0-9]{2,6}"),
        ([counter["id"] for counter in counters], SLUG),
    ]
    agencies = [agency["code"] for agency in table["agency"]]
    assert len(set(agencies)) == len(agencies)
    assert all(re.fullmatch(AGENCY_CODE, agency) for agency in agencies)
    for names, form in unique:
        assert max(Counter(names).values()) == 1, names
        assert all(re.fullmatch(form, name) for name in names), names


def test_a_ticket_token_tells_its_office_by_its_first_letters(table: Table) -> None:
    keys = [office["short_key"] for office in table["office"]]
    assert not [(one, other) for one in keys for other in keys if one != other and other.startswith(one)]


def test_references_between_offices_hold(table: Table, offices: dict[str, Table]) -> None:
    agencies = {agency["code"] for agency in table["agency"]}
    procedures = {procedure["code"] for procedure in table["procedure"]}
    for office in table["office"]:
        services = office.get("service", [])
        ids, prefixes = [service["id"] for service in services], [service["prefix"] for service in services]
        assert len(set(ids)) == len(ids)
        assert len(set(prefixes)) == len(prefixes)
        assert all(re.fullmatch("[A-Z]{1,2}", prefix) for prefix in prefixes)
        assert all(procedures.issuperset(service["procedures"]) for service in services)
        served = [name for counter in office.get("counter", ()) for name in counter["services"]]
        assert set(served) == set(ids), office["id"]
        assert office["agencies"]
        assert agencies.issuperset(office["agencies"])
        assert offices.keys() >= {office.get("parent", office["id"]), *office.get("replaced_by", ())}


def test_limits_ascend_and_every_procedure_is_offered(table: Table) -> None:
    offered = {code for service in everything(table, "service") for code in service["procedures"]}
    assert 25 <= len(table["procedure"]) <= 40
    for procedure in table["procedure"]:
        days = [limit["valid_from"] for limit in procedure["limits"]]
        assert days == sorted(set(days))
        assert procedure["code"] in offered


def test_the_offices_have_the_documented_size(offices: dict[str, Table]) -> None:
    counters = {name: len(office.get("counter", ())) for name, office in offices.items()}
    assert (counters["ben-thanh"], counters["go-vap"], counters["huong-son"], counters["demo-24h"]) == (
        7,
        15,
        6,
        4,
    )
    assert len(offices["demo-24h"]["service"]) == 3
    ended = offices["tay-ho-district"]
    assert (ended["valid_to"], set(ended["replaced_by"])) == (date(2025, 6, 30), {"tay-ho", "phu-thuong"})


def test_go_vap_works_until_eight_in_the_evening(calendars: dict[str, Calendar]) -> None:
    assert calendars["go-vap"].is_open(datetime.fromisoformat("2026-11-20T19:59:00+07:00"))
    assert not calendars["tay-ho"].is_open(datetime.fromisoformat("2026-11-20T19:59:00+07:00"))


@pytest.mark.parametrize("monday", ["2026-02-16", "2026-08-31", "2026-11-16"])  # Tết, National Day, an ordinary week
def test_the_round_the_clock_office_is_open_at_every_hour(monday: str, calendars: dict[str, Calendar]) -> None:
    start = datetime.fromisoformat(f"{monday}T00:00:00+07:00")
    hours = [start + timedelta(hours=ahead) for ahead in range(7 * 24)]
    last_seconds = [hour + timedelta(minutes=59, seconds=59) for hour in hours]
    assert all(calendars["demo-24h"].is_open(moment) for moment in [*hours, *last_seconds])
