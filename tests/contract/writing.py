"""Writing safely: versions, repeats, pages that stay the same."""

from concurrent.futures import ThreadPoolExecutor

from tests.contract import things
from tests.contract.client import Client, expect, promise, same, unique


@promise("PATCH /missions/{m}", "If-Match of an old version: 412 and nothing changed; of the present one: a new ETag")
def etag(api: Client) -> None:
    key = things.mission(api, "planning")
    read = api.get(f"/missions/{key}")
    same(read.headers["ETag"], f'"{read["version"]}"')
    now = {"If-Match": read.headers["ETag"]}
    changed = api.patch(f"/missions/{key}", {"goal": "First"}, headers=now)
    expect(changed["version"] > read["version"] and changed.headers["ETag"] != read.headers["ETag"], changed)
    api.patch(f"/missions/{key}", {"goal": "Second"}, 412, headers=now)
    told = api.get(f"/missions/{key}")
    same((told["goal"], told.headers["ETag"]), ("First", changed.headers["ETag"]))


@promise("POST /missions/{m}/start", "If-Match of an old version: 412 and nothing moved")
def etag_of_move(api: Client) -> None:
    key = things.mission(api, "planning")
    read = api.get(f"/missions/{key}")
    api.patch(f"/missions/{key}", {"goal": "Newer"})
    api.post(f"/missions/{key}/start", status=412, headers={"If-Match": read.headers["ETag"]})
    same(api.get(f"/missions/{key}")["status"], "planning")


@promise("PATCH /tasks/{t}", "every resource has a version; PATCH of an old one is 412 everywhere")
def etags(api: Client) -> None:
    objective, sprint = unique("o"), unique("s")
    api.post("/objectives", {"objective_id": objective, "title": "Versions"}, 201)
    api.post("/sprints", {"sprint_id": sprint, "name": "V", "start_date": "2031-01-01", "end_date": "2031-01-09"}, 201)
    rows = {
        f"/tasks/{things.task(api)}": "description",
        f"/agents/{things.agent(api)}": "name",
        f"/policies/{things.policy(api, 'warn', things.mission(api))}": "description",
        f"/objectives/{objective}": "title",
        f"/sprints/{sprint}": "goal",
    }
    for path, field in rows.items():
        old = api.get(path).headers["ETag"]
        api.patch(path, {field: "Newer"}, headers={"If-Match": old})
        api.patch(path, {field: "Too late"}, 412, headers={"If-Match": old})
        same(api.get(path)[field], "Newer")


@promise("POST /missions", "the same Idempotency-Key and body: the first answer again, and one mission")
def repeated(api: Client) -> None:
    key, body = {"Idempotency-Key": unique("key")}, {"mission_id": unique("m"), "goal": "Once"}
    first = api.post("/missions", body, 201, headers=key)
    again = api.post("/missions", body, 201, headers=key)
    same((again.json, again.headers["ETag"]), (first.json, first.headers["ETag"]))
    same((first.headers.get("Idempotent-Replayed"), again.headers.get("Idempotent-Replayed")), (None, "true"))


@promise("POST /missions", "the same Idempotency-Key with another body: 422")
def reused(api: Client) -> None:
    key = {"Idempotency-Key": unique("key")}
    api.post("/missions", {"goal": "Once"}, 201, headers=key)
    api.post("/missions", {"goal": "Something else"}, 422, headers=key)


@promise("POST /missions", "many at once with one Idempotency-Key: one is made, the rest get its answer or 409")
def raced(api: Client) -> None:
    key, body = {"Idempotency-Key": unique("key")}, {"mission_id": unique("m"), "goal": "Race"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: Client(api.base, api.token).call("POST", "/missions", body, headers=key), [0] * 8)
        )
    made = {answer["id"] for answer in answers if answer.status == 201}
    expect(len(made) == 1 and {answer.status for answer in answers} <= {201, 409}, [str(each) for each in answers])


@promise("GET /tasks", "pages hold each row once, also when rows are added between them, and lead back")
def pages(api: Client) -> None:
    owner = things.mission(api)
    before = [things.task(api, owner) for _ in range(5)]
    first = api.get(f"/missions/{owner}/tasks?page_size=2")
    same(([row["task_id"] for row in first["results"]], first["previous"]), (before[:2], None))
    late = things.task(api, owner)
    second = api.get(first["next"])
    third = api.get(second["next"])
    seen = [row["task_id"] for page in (first, second, third) for row in page["results"]]
    same((seen, third["next"]), ([*before, late], None))
    same([row["task_id"] for row in api.get(second["previous"])["results"]], before[:2])
    same([row["task_id"] for row in api.every(f"/tasks?mission={owner}&page_size=1")], [*before, late])
