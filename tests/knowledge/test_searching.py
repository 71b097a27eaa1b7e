import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from coordinator.lib.refs import Ref
from knowledge import search
from knowledge.models import Document
from knowledge.search import Filter, Mode, Survey
from tests.knowledge.documents import known, remove, store

pytestmark = pytest.mark.django_db

CAR = "My vehicle's engine is dead since this morning."
BREAD = "Bake the sourdough until its crust is golden."
LEASE = "# Claims\n\nA claim is a lease with a fencing number. When it runs out the task goes back.\n\n# Cost\n\nCheap."


@pytest.fixture
def shelf() -> dict[str, Document]:
    return {
        "car": known(CAR, title="Breakdown", mission=Ref(1, "m-1"), tags=["garage", "daily"], metadata={"level": 1}),
        "bread": known(BREAD, title="Kitchen", mission=Ref(2, "m-2"), task=Ref(5, "t-5"), tags=["daily"]),
        "lease": known(LEASE, title="Leases", kind="decision", metadata={"level": 1, "area": {"name": "core"}}),
    }


def found(query: str, **options: object) -> list[str]:
    return [hit.document.title for hit in search.answer(query, **options).hits]  # type: ignore[arg-type]


def test_meaning_is_found_without_a_shared_word(shelf: dict[str, Document]) -> None:
    assert found("the car will not start", mode=Mode.TEXT) == []
    assert found("the car will not start", mode=Mode.SEMANTIC)[0] == "Breakdown"
    assert found("the car will not start")[0] == "Breakdown"


def test_words_are_found_before_the_document_is_embedded() -> None:
    store("The zyzzyva is a weevil.", title="Beetle")
    assert found("zyzzyva") == ["Beetle"]
    assert found("zyzzyva", mode=Mode.SEMANTIC) == []


def test_a_hit_is_the_best_passage_of_its_document_with_highlights(shelf: dict[str, Document]) -> None:
    hit = search.answer("fencing number of a claim").hits[0]
    assert (hit.document, hit.ordinal, hit.heading_path) == (shelf["lease"], 0, "Leases > Claims")
    assert any("**fencing**" in part and "**number**" in part for part in hit.highlights)
    assert len([title for title in found("fencing number of a claim") if title == "Leases"]) == 1


@pytest.mark.parametrize(
    ("narrowed", "expected"),
    [
        (Filter(mission=Ref(1, "m-1")), {"Breakdown"}),
        (Filter(task=Ref(5, "t-5")), {"Kitchen"}),
        (Filter(tags=("daily",)), {"Breakdown", "Kitchen"}),
        (Filter(tags=("daily", "garage")), {"Breakdown"}),
        (Filter(kinds=("decision",)), {"Leases"}),
        (Filter(metadata={"level": 1}), {"Breakdown", "Leases"}),
        (Filter(metadata={"area": {"name": "core"}}), {"Leases"}),
        (Filter(mission=Ref(1, "m-1"), kinds=("decision",)), set()),
        (None, {"Breakdown", "Kitchen", "Leases"}),
    ],
)
@pytest.mark.parametrize("mode", [Mode.HYBRID, Mode.SEMANTIC])
def test_a_filter_narrows_every_half(
    shelf: dict[str, Document], narrowed: Filter | None, expected: set[str], mode: Mode
) -> None:
    assert set(found("golden crust and a dead engine claim", narrowed=narrowed, mode=mode)) == expected


@pytest.mark.parametrize("query", ["join", "task_done", "path", "locks", "os.path.join", "web", "3.11"])
def test_each_part_of_a_name_or_a_path_is_found(query: str) -> None:
    store("Call self.task_done() or os.path.join on 3.11, see asyncio.locks and src/web/server.", title="Code")
    assert found(query, mode=Mode.TEXT) == ["Code"]


def test_a_removed_document_is_not_found(shelf: dict[str, Document]) -> None:
    remove(shelf["bread"])
    assert "Kitchen" not in found("golden crust sourdough")


def test_no_more_than_the_limit_comes_and_better_before_worse(shelf: dict[str, Document]) -> None:
    assert len(found("engine claim crust", limit=2)) == 2
    for mode in Mode:
        scores = [hit.score for hit in search.answer("engine claim crust", mode=mode).hits]
        assert scores == sorted(scores, reverse=True)


def test_equal_scores_are_ordered_by_age() -> None:
    first, second = store("alpha beta one", title="Same"), store("alpha beta two", title="Same")
    hits = search.answer("alpha beta", mode=Mode.TEXT).hits
    assert [hit.document for hit in hits] == [first, second]


def test_a_provider_that_is_off_gives_an_answer_by_words(shelf: dict[str, Document], settings: Settings) -> None:
    settings.KNOWLEDGE_EMBEDDING_MODEL_PATH = "/nowhere/model.onnx"
    for mode in (Mode.HYBRID, Mode.SEMANTIC):
        answer = search.answer("sourdough", mode=mode)
        assert (answer.degraded, [hit.document.title for hit in answer.hits]) == (True, ["Kitchen"])
    assert not search.answer("sourdough", mode=Mode.TEXT).degraded


def test_an_installation_without_a_provider_says_that_a_half_is_missing(settings: Settings) -> None:
    settings.KNOWLEDGE_EMBEDDING_PROVIDER = "none"
    known(BREAD)
    answer = search.answer("sourdough")
    assert (answer.degraded, len(answer.hits)) == (True, 1)


def test_an_empty_shelf_gives_an_empty_answer() -> None:
    answer = search.answer("anything")
    assert (answer.hits, answer.degraded) == ([], False)


@pytest.mark.parametrize(
    "query", ["the", "' | & ! : * ( ) \\", "<->", "a\u2028b", "%s %(x)s {y}", "'", "\\'", "x" * 5000]
)
@pytest.mark.parametrize("mode", list(Mode))
def test_any_text_may_be_asked(shelf: dict[str, Document], query: str, mode: Mode) -> None:
    search.answer(query, mode=mode)


def test_marks_of_the_text_itself_are_left_alone() -> None:
    known("Use **bold** and \ue000odd\ue001 characters with <b>tags</b> for leases.", title="Odd")
    assert search.answer("bold leases").hits[0].highlights


@pytest.mark.parametrize("mode", list(Mode))
def test_a_search_takes_a_few_statements(shelf: dict[str, Document], mode: Mode) -> None:
    with CaptureQueriesContext(connection) as statements:
        search.answer("golden crust", mode=mode, narrowed=Filter(tags=("daily",)))
    real = [each["sql"] for each in statements if "SAVEPOINT" not in each["sql"]]
    assert len(real) <= 4


def test_exact_and_approximate_nearness_agree(shelf: dict[str, Document], monkeypatch: pytest.MonkeyPatch) -> None:
    exact = search.answer("dead engine", mode=Mode.SEMANTIC)
    monkeypatch.setattr(search, "EXACT_UP_TO", 0)
    near = search.answer("dead engine", mode=Mode.SEMANTIC)
    assert [hit.document for hit in near.hits] == [hit.document for hit in exact.hits]
    narrowed = search.answer("dead engine", mode=Mode.SEMANTIC, narrowed=Filter(tags=("daily",)))
    assert [hit.document.title for hit in narrowed.hits] == ["Breakdown", "Kitchen"]


def test_a_rare_word_counts_for_more_than_a_common_one() -> None:
    survey = Survey({"common": 900, "rare": 2, "new": 1}, 1000, 0)
    assert survey.idf("new") > survey.idf("rare") > survey.idf("common") > 0


def test_with_many_passages_only_rare_words_make_candidates() -> None:
    stems = {"common": 15_000, "rare": 20}
    assert Survey(stems, 30_000, 0).candidates() == ["rare"]
    assert Survey(stems, 15_000, 0).candidates() == ["rare", "common"]
    assert Survey({"common": 15_000}, 30_000, 0).candidates() == ["common"]
    assert len(Survey({str(number): number for number in range(40)}, 100, 0).terms()) == 12
