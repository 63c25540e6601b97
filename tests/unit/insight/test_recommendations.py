"""What `fuserank recommend` prints."""

from fuserank.insight.reports.recommendations import lines, recommendations

ROW = {
    "rank": 2,
    "item_id": "77",
    "item_name": None,
    "score": 0.5,
    "parts": {"als": 0.1, "fnn": 0.4},
    "probability": 0.31,
    "reason": "You bought it",
    "reason_code": "repeat",
    "evidence": ["event:1"],
}


def test_rows_come_in_the_order_of_their_ranks_cut_to_k() -> None:
    found = recommendations("é", [ROW, {**ROW, "rank": 1, "item_id": "5"}, {**ROW, "rank": 3}], 2)
    assert found["user"] == "é"
    assert [(r["rank"], r["item"]) for r in found["recommendations"]] == [(1, "5"), (2, "77")]
    assert {"rank", "item", "name", "score", "parts", "reason"} <= set(found["recommendations"][0])


def test_the_text_names_an_unknown_item_by_its_id_and_its_largest_part_first() -> None:
    text = "\n".join(lines(recommendations("1", [ROW])))
    assert "item 77" in text
    assert "score 0.5000 = fnn 0.4000, als 0.1000" in text


def test_a_list_that_is_shorter_than_the_run_s_says_so() -> None:
    rows = [{**ROW, "rank": n} for n in (1, 2, 3)]
    why = "3 of 10: all other items are already taken or disliked, or there are no more"
    found = recommendations("1", rows, None, 10)
    assert found["short"] == why
    assert lines(found)[-1] == why
    none = recommendations("1", [], None, 10)
    assert none["recommendations"] == []
    assert lines(none) == ["user 1", why.replace("3 of", "0 of")]
    for k, length in ((None, 3), (2, 10), (None, None)):  # whole; cut by who asked; of a run that did not say
        assert recommendations("1", rows, k, length)["short"] is None
    assert recommendations("1", rows, 5, 10)["short"].startswith("3 of 5: ")
