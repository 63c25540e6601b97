"""From model scores to the fused ranking and its evaluation."""

from __future__ import annotations

from fuserank.tables import columns as c
from fuserank.tables.contract import Column, Table

_OF_A_MODEL = ("artifact", "artifact_sha256", "table_versions", "metrics", "config_json")  # needed to score by it

MODELS = Table(
    name="models.registry",
    grain="one row per trained model",
    keys=("model_id",),
    writer="train",
    doc="Every registered model: where its artifact lies, and the Delta versions that it saw.",
    partition_by=("as_of_date",),
    slice_by=("as_of_date", "kind"),
    columns=(
        Column(
            "model_id",
            "string",
            "id",
            "<kind>-<as_of>-<first 12 hex digits of the artifact's SHA-256>",
            person="none",
        ),
        c.as_of_date(),
        Column("kind", "string", "name", "the model, as fuserank.registry.models declares it", person="none"),
        Column("artifact", "string", "path", "folder of the artifact, below `files` (default: the lake's root)"),
        Column("artifact_sha256", "string", "hash", "over the weights and the model card"),
        Column("table_versions", "map<string,long>", "version", "Delta version of every table that training read"),
        Column("metrics", "map<string,double>", "score", "losses and counts of the run"),
        Column("config_json", "string", "json", "the model's own settings"),
        c.run_id(),
    ),
    not_in_digest=("run_id", "table_versions"),
)

ALIASES = Table(
    name="models.aliases",
    grain="one row per model kind and promotion",
    keys=("kind", "number"),
    writer="promote",
    doc=(
        "Which model of a kind is the champion: that of the row with the highest number. A promotion is one commit, and"
        " no row is ever changed; a demotion is a row, too. Of the model it has the row of models.registry, which a"
        " rerun of its day replaces."
    ),
    columns=(
        Column("kind", "string", "name", "the model, as fuserank.registry.models declares it", person="none"),
        Column("number", "long", "count", "of the kind's promotions, from 1", check="number >= 1", default=1),
        Column(
            "action",
            "string",
            "name",
            "promote, or demote back to the champion before",
            check="action in ('promote','demote')",
            default="promote",
            person="none",
        ),
        Column("model_id", "string", "id", "the champion from now on", person="none"),
        c.as_of_date(),
        *(column for column in MODELS.columns if column.name in _OF_A_MODEL),
        Column("model_run_id", "string", "id", "the run that trained it", person="none"),
        Column("promoted_at", "timestamp", "utc_timestamp", "when the promoting run started", person="none"),
        Column("promoted_by", "string", "name", "a name that came with it, or the account that ran it", person="quasi"),
        c.run_id(),
    ),
    not_in_digest=("run_id", "model_run_id", "table_versions", "promoted_at", "promoted_by"),
)

SCORES = Table(
    name="scores.scores",
    grain="one row per user, item, model kind, split and as_of_date",
    keys=("as_of_date", "split", "kind", "user_index", "item_index"),
    writer="scores",
    doc="What a model says of every candidate, on the split that the fusion is fitted on and the one that it ranks.",
    partition_by=("as_of_date", "split", "kind"),
    slice_by=("as_of_date", "split", "kind"),
    retention="365 days",
    columns=(
        c.as_of_date(),
        Column(
            "split",
            "string",
            "name",
            "valid (candidates as of windows.label_days before) or rank",
            check="split in ('valid','rank')",
            person="none",
        ),
        Column("kind", "string", "name", "the model, as fuserank.registry.models declares it", person="none"),
        c.user_index(),
        c.item_index(),
        Column("logit", "float", "log_odds", "the model's output"),
        Column("model_id", "string", "id", "in models.registry", person="none"),
        c.run_id(),
    ),
)

FUSED = Table(
    name="fusion.fused",
    grain="one row per user, candidate item and as_of_date",
    keys=("as_of_date", "user_index", "item_index"),
    writer="fusion",
    doc="Every candidate with each source's part in its score; score = the sum of the parts, in double.",
    partition_by=("as_of_date",),
    slice_by=("as_of_date",),
    retention="365 days",
    columns=(
        c.as_of_date(),
        c.user_index(),
        c.item_index(),
        Column("score", "double", "score", "the sum of the parts"),
        Column(
            "parts", "map<string,double>", "score", "source to its part; a source that did not give the item has none"
        ),
        Column(
            "probability",
            "double",
            "probability",
            "calibrated: that the user takes the item within windows.label_days",
            check="probability >= 0 and probability <= 1",
        ),
        c.run_id(),
    ),
)

RANKING = Table(
    name="ranking.ranking",
    grain="one row per user, surface, rank and as_of_date",
    keys=("as_of_date", "user_id", "surface", "rank"),
    writer="ranking",
    doc=(
        "The fused ranking: K rows per user and surface (ranking.k), ranks 1..K without gaps; fewer where all other"
        " items are already taken or disliked, or there are no more. Nothing that the user disliked is in it"
        " (candidates.hide_disliked), nor by ranking.repeats what was taken or rated."
    ),
    partition_by=("as_of_date",),
    slice_by=("as_of_date", "surface"),
    log_days=3650,  # what is published is read by its version, however long ago that was
    columns=(
        c.as_of_date(),
        Column("user_id", "string", "id", "business id", person="id"),
        Column("surface", "string", "name", "where it is shown; home by default", person="none"),
        Column("rank", "int", "rank_from_1", "1 is best", check="rank >= 1"),
        Column("item_id", "string", "id", "business id", person="quasi"),
        Column("item_name", "string", "text", "what a person calls it, where the catalogue knows", True),
        c.user_index(),
        c.item_index(),
        Column("score", "double", "score", "the sum of the parts"),
        Column(
            "parts",
            "map<string,double>",
            "score",
            "source to its part in the score; of a filler its one: popular, or most_taken with 0",
        ),
        Column(
            "probability",
            "double",
            "probability",
            "calibrated: taken within windows.label_days; of a filler `most_taken`: that of a score of 0",
        ),
        Column(
            "reason_code",
            "string",
            "code",
            "repeat, co_purchase, als, a member of the retrieval family, trending, popular, most_taken, no_history,"
            " model",
        ),
        Column("reason", "string", "text", "a sentence a person can read"),
        Column(
            "evidence",
            "array<string>",
            "id",
            "event ids (event:…) or item ids (item:…) that the reason rests on",
            person="quasi",
        ),
        Column("model_ids", "array<string>", "id", "models that had a part", person="none"),
        c.run_id(),
    ),
)

PUBLISHED = Table(
    name="ranking.published",
    grain="one row per surface and publication",
    keys=("surface", "number"),
    writer="publish",
    doc=(
        "Which ranking readers follow: of a surface, the row with the highest number. A publication is one commit, and"
        " no row is ever changed; a rollback is a row, too."
    ),
    columns=(
        Column("surface", "string", "name", "where the lists are shown", person="none"),
        Column("number", "long", "count", "of the surface's publications, from 1", check="number >= 1", default=1),
        Column(
            "action",
            "string",
            "name",
            "publish, or rollback to what was published before",
            check="action in ('publish','rollback')",
            default="publish",
            person="none",
        ),
        c.as_of_date(),
        Column("ranking_run_id", "string", "id", "the run that wrote the lists", person="none"),
        Column("ranking_version", "long", "version", "Delta version of ranking.ranking in which they stand"),
        Column("users_count", "long", "count", "users with a list"),
        Column("rows_count", "long", "count", "rows of their lists"),
        Column("published_at", "timestamp", "utc_timestamp", "when the publishing run started", person="none"),
        c.run_id(),
    ),
    not_in_digest=("run_id", "ranking_run_id", "ranking_version", "published_at"),
)

FITTED = Table(
    name="fusion.fitted",
    grain="one row per fitted source and as_of_date",
    keys=("as_of_date", "method", "source"),
    writer="fusion",
    doc="Weights and calibration of the fusion, fitted on the label window that ends at as_of (windows.label_days).",
    partition_by=("as_of_date",),
    slice_by=("as_of_date",),
    columns=(
        c.as_of_date(),
        Column("method", "string", "name", "weighted or reciprocal_rank"),
        Column("source", "string", "name", "a source or a model, and fusion for the final score"),
        Column(
            "weight",
            "double",
            "weight",
            "share of the source; they sum to 1; 0 for `fusion`, which calibrates the final score",
            check="weight >= 0 and weight <= 1",
        ),
        Column(
            "scale",
            "string",
            "name",
            "what knots_x are: scores, or ranks with their sign turned",
            check="scale in ('score','rank')",
            default="score",
        ),
        Column("knots_x", "array<float>", "score", "calibration: score (or minus rank), ascending"),
        Column("knots_y", "array<float>", "probability", "calibration: probability at that score"),
        c.run_id(),
    ),
)


METRICS = Table(
    name="evaluation.metrics",
    grain="one row per as_of_date, track, source and metric",
    keys=("as_of_date", "track", "source", "metric"),
    writer="evaluate",
    doc="Quality on the days from as_of, full ranking, with bootstrap intervals over users.",
    partition_by=("as_of_date",),
    slice_by=("as_of_date",),
    columns=(
        c.as_of_date(),
        Column("track", "string", "name", "all or new"),
        Column("source", "string", "name", "a source, a model or fusion"),
        Column(
            "metric",
            "string",
            "name",
            "ndcg@10, recall@10 (over all of the truth), capped_recall@10 (over min(truth, 10)), hitrate@10, coverage,"
            " long_tail_share, ece; protocol counts; curve points: head@<share>, calibration_…@<bin>",
        ),
        Column("value", "double", "score", "mean over users"),
        Column("ci_low", "double", "score", "lower end of the 95 % interval", True),
        Column("ci_high", "double", "score", "upper end of the 95 % interval", True),
        Column("minus_fusion_low", "double", "score", "paired interval of this row minus the fusion", True),
        Column("minus_fusion_high", "double", "score", "its upper end", True),
        Column(
            "model_id",
            "string",
            "id",
            "in models.registry, where the source is a model; null in lakes of before version 2",
            True,
            person="none",
        ),
        c.run_id(),
    ),
    version=2,
    not_in_digest=("run_id", "model_id"),
)

BY_USER = Table(
    name="evaluation.by_user",
    grain="one row per user with truth, track, what was judged and as_of_date",
    keys=("as_of_date", "judged", "track", "user_index"),
    writer="evaluate",
    doc=(
        "What an evaluation found of each judged user (evaluation.by_user), so that two models or two runs can be"
        " compared on the same users. recall@10 is hits / truth, capped_recall@10 hits / least(truth, 10)."
    ),
    partition_by=("as_of_date",),
    slice_by=("as_of_date", "judged"),
    retention="365 days",
    columns=(
        c.as_of_date(),
        Column(
            "judged",
            "string",
            "name",
            "of a model its model_id, so that a rerun leaves the models before it; else as source",
            person="none",
        ),
        Column("track", "string", "name", "all or new", check="track in ('all','new')", default="all", person="none"),
        c.user_index(),
        Column("source", "string", "name", "a source, a model's kind, or fusion", person="none"),
        Column("truth", "int", "count", "items that are true of the user on this track", check="truth > 0", default=1),
        Column("truth_hash", "long", "hash", "of the set of these items: where it is the same, so is the truth"),
        Column("hits", "int", "count", "of them, in the first ten of the list", check="hits >= 0 and hits <= truth"),
        Column("ndcg", "float", "score", "ndcg@10"),
        c.run_id(),
    ),
)

ABLATION = Table(
    name="evaluation.ablation",
    grain="one row per source, track and as_of_date",
    keys=("as_of_date", "track", "source"),
    writer="evaluate",
    doc=(
        "What each source is worth: NDCG@10 of the fusion fitted with and without it, with the paired interval of the"
        " gain, and what it costs."
    ),
    partition_by=("as_of_date",),
    slice_by=("as_of_date",),
    columns=(
        c.as_of_date(),
        Column("track", "string", "name", "all or new"),
        Column("source", "string", "name", "the source, or the model, that is left out"),
        Column("users", "int", "count", "users with truth that are judged"),
        Column("ndcg", "double", "score", "of the fusion with all sources"),
        Column("ndcg_without", "double", "score", "of the fusion fitted without this one"),
        Column("gain", "double", "score", "the first less the second: positive where the source helps"),
        Column("gain_low", "double", "score", "lower end of its paired bootstrap interval"),
        Column("gain_high", "double", "score", "upper end"),
        Column("seconds", "double", "seconds", "of making the source as of the day, in the last run that did", True),
        Column(
            "peak_mb",
            "double",
            "count",
            "highest memory of all processes meanwhile; what ran beside it counts, too",
            True,
        ),
        c.run_id(),
    ),
    not_in_digest=("run_id", "seconds", "peak_mb"),
)

SETS = Table(
    name="evaluation.candidate_sets",
    grain="one row per user segment, source and as_of_date",
    keys=("as_of_date", "segment", "source"),
    writer="evaluate",
    doc=(
        "What the sources find of the days from as_of, alone and together, of the users that are judged; what they"
        " share."
    ),
    partition_by=("as_of_date",),
    slice_by=("as_of_date",),
    columns=(
        c.as_of_date(),
        Column("segment", "string", "name", "new, light or heavy, by the user's baskets; all"),
        Column("source", "string", "name", "the source; union: all together"),
        Column("users", "int", "count", "users with truth that are judged"),
        Column("a_user", "double", "count", "candidates of a user, as a mean"),
        Column("recall", "double", "share_0_1", "share of a user's true pairs that it has, as a mean over users"),
        Column("unique", "double", "share_0_1", "share of all true pairs that no other source has; of the union 0"),
        Column(
            "overlap",
            "map<string,double>",
            "share_0_1",
            "other source to the part of this one's pairs that it has, too",
        ),
        c.run_id(),
    ),
)

TABLES = (MODELS, ALIASES, SCORES, FUSED, FITTED, RANKING, PUBLISHED, METRICS, BY_USER, ABLATION, SETS)
