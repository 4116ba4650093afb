"""CloudWatch Logs Insights over the lab's log groups: moto answers every query with everything.

Done are the commands that the product sends: ``parse``, ``filter``, ``fields least(…)``, ``stats``, ``sort``, ``limit``; anything
else is refused as AWS refuses what it does not know.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import moto.logs.urls
from moto.logs.responses import LogsResponse
from moto.moto_api._internal import mock_random

Row = dict[str, Any]
_PARSE: Final = re.compile(r'parse @message "([^"]+)" as ([\w, ]+)')
_LEAST: Final = re.compile(r"fields least\((\w+), (\w+)\) as (\w+)")
_AGGREGATE: Final = re.compile(r"(sum|min|max|count)\((\w+|\*)\) as (\w+)")
_BIN: Final = re.compile(r"bin\((\d+)m\)(?: as (\w+))?")


class MalformedQuery(Exception):
    """The query is not understood."""


class Query:
    """One query and its answer; the first time it is asked about it is still running, as in life."""

    def __init__(self, identifier: str, text: str, rows: list[Row]) -> None:
        self.query_id, self.query, self.rows, self.asked = identifier, text, rows, 0

    def to_result_json(self) -> dict[str, Any]:
        """As ``GetQueryResults`` answers."""
        self.asked += 1
        if self.asked == 1:
            return {"results": [], "status": "Running"}
        results = [[{"field": key, "value": _text(value)} for key, value in row.items()] for row in self.rows]
        return {"results": results, "status": "Complete", "statistics": {"recordsMatched": float(len(results))}}


class Logs(LogsResponse):  # type: ignore[misc]
    """CloudWatch Logs as AWS does it."""

    def start_query(self) -> Any:
        """Run it at once; the answer waits to be fetched."""
        names = self._get_param("logGroupNames") or [self._get_param("logGroupName")]
        begin, end = self._get_int_param("startTime") * 1000, self._get_int_param("endTime") * 1000
        text = str(self._get_param("queryString"))
        missing = [name for name in names if name not in self.logs_backend.groups]
        if missing:
            return _error("ResourceNotFoundException", f"The specified log group does not exist: {missing[0]}")
        events = [
            {"@message": event.message, "@timestamp": event.timestamp}
            for name in names
            for stream in self.logs_backend.groups[name].streams.values()
            for event in stream.events
            if begin <= event.timestamp <= end
        ]
        try:
            rows = run(text, events)
        except MalformedQuery as error:
            return _error("MalformedQueryException", str(error))
        identifier = str(mock_random.uuid4())
        self.logs_backend.queries[identifier] = Query(identifier, text, rows)
        return json.dumps({"queryId": identifier})

    def get_query_results(self) -> Any:
        """Only for queries that were asked."""
        query = self.logs_backend.queries.get(self._get_param("queryId"))
        if query is None:
            return _error("ResourceNotFoundException", "The specified query does not exist.")
        return json.dumps(query.to_result_json())


def _error(code: str, message: str) -> tuple[int, dict[str, str], str]:
    return 400, {"x-amzn-errortype": code}, json.dumps({"__type": code, "message": message})


def run(text: str, rows: list[Row]) -> list[Row]:
    """The answer to a query over log events."""
    for number, command in enumerate(part.strip() for part in re.split(r"\n?\|", text)):
        word = command.partition(" ")[0]
        if word not in _COMMANDS:
            raise MalformedQuery(f"unexpected symbol found {word} at line {number + 1}")
        rows = _COMMANDS[word](command, rows)
    return rows


def _parse(command: str, rows: list[Row]) -> list[Row]:
    match = _PARSE.fullmatch(command)
    if not match:
        raise MalformedQuery(command)
    pattern = re.compile(re.escape(match[1]).replace(r"\*", "(.*?)") + "$")
    names = [name.strip() for name in match[2].split(",")]
    found = []
    for row in rows:
        parsed = pattern.match(row["@message"])
        if parsed:
            found.append({**row, **dict(zip(names, parsed.groups(), strict=True))})
    return found


def _filter(command: str, rows: list[Row]) -> list[Row]:
    for part in command.removeprefix("filter ").split(" and "):
        name, _, rest = part.strip().partition(" ")
        values = re.findall(r'"([^"]*)"', rest)
        if not rest.startswith(("in [", "= ")):
            raise MalformedQuery(command)
        rows = [row for row in rows if str(row.get(name)) in values]
    return rows


def _fields(command: str, rows: list[Row]) -> list[Row]:
    match = _LEAST.fullmatch(command)
    if not match:
        raise MalformedQuery(command)
    return [{**row, match[3]: min(_number(row.get(match[1])), _number(row.get(match[2])))} for row in rows]


def _stats(command: str, rows: list[Row]) -> list[Row]:
    wanted, _, by = command.removeprefix("stats ").partition(" by ")
    aggregates = _AGGREGATE.findall(wanted)
    keys = [key.strip() for key in by.split(",")]
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(_key(key, row)[1] for key in keys), []).append(row)
    names = [_key(key, {})[0] for key in keys]
    return [
        {**dict(zip(names, group, strict=True)), **{name: _aggregate(how, of, members) for how, of, name in aggregates}}
        for group, members in groups.items()
    ]


def _key(key: str, row: Mapping[str, Any]) -> tuple[str, Any]:
    match = _BIN.fullmatch(key)
    if not match:
        return key, row.get(key, "")
    width = int(match[1]) * 60_000
    at = datetime.fromtimestamp(int(row.get("@timestamp", 0)) // width * width / 1000, UTC)
    return match[2] or key, at.strftime("%Y-%m-%d %H:%M:%S.000")


def _aggregate(how: str, of: str, rows: list[Row]) -> float:
    values = [_number(row.get(of)) for row in rows]
    return {"count": len(rows), "sum": sum(values), "min": min(values), "max": max(values)}[how]


def _sort(command: str, rows: list[Row]) -> list[Row]:
    name, _, way = command.removeprefix("sort ").partition(" ")
    return sorted(rows, key=lambda row: (_number(row.get(name)), str(row.get(name, ""))), reverse=way == "desc")


def _limit(command: str, rows: list[Row]) -> list[Row]:
    return rows[: int(command.removeprefix("limit "))]


_COMMANDS: Final = {
    "parse": _parse,
    "filter": _filter,
    "fields": _fields,
    "stats": _stats,
    "sort": _sort,
    "limit": _limit,
}


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def install() -> None:
    """Put it into moto's URL table."""
    for path, handler in list(moto.logs.urls.url_paths.items()):
        if getattr(handler, "__self__", None) is LogsResponse:
            moto.logs.urls.url_paths[path] = Logs.dispatch
