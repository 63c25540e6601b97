"""What happened: runs, quarantine, files taken in. By every job, through io; nothing is taken away from them, and of
what stands there only rows of quarantine change: they are resolved, or open again.
"""

from __future__ import annotations

from fuserank.tables.contract import Column, Table

RUNS = Table(
    name="ops.runs",
    grain="one row per run and state",
    keys=("run_id", "state"),
    writer="*",
    doc="The run ledger: every ranking row can be led back to it.",
    streamed=True,
    columns=(
        Column("run_id", "string", "id", "the run", person="none"),
        Column("job", "string", "name", "refresh or a stage"),
        Column("state", "string", "name", "succeeded or failed"),
        Column("started_at", "timestamp", "utc_timestamp", "wall clock"),
        Column("seconds", "double", "seconds", "wall time"),
        Column("as_of_date", "date", "utc_date", "the run's as_of", True),
        Column("git_revision", "string", "hash", "of the code, where known", True),
        Column("config_hash", "string", "hash", "SHA-256 of the settings in force"),
        Column("seed", "long", "count", "seed"),
        Column("versions_read", "map<string,long>", "version", "Delta version of every table read"),
        Column("versions_written", "map<string,long>", "version", "Delta version of every table written"),
        Column("rows_written", "map<string,long>", "count", "rows by table"),
        Column("stage_seconds", "map<string,double>", "seconds", "wall time by stage"),
        Column("metrics", "map<string,double>", "score", "counts and numbers of the run"),
        Column("error", "string", "text", "last line of what went wrong", True, person="quasi"),
    ),
)

QUARANTINE = Table(
    name="ops.quarantine",
    grain="one row per row of a source that broke a rule",
    keys=("dataset", "source_table", "content_hash", "row", "rule"),
    writer="*",
    doc="Bad rows, each with the rule that it broke and its payload.",
    version=2,
    columns=(
        Column("dataset", "string", "name", "mapping", person="none"),
        Column("source_table", "string", "name", "file set of the mapping", person="none"),
        Column("file", "string", "path", "file's name", person="none"),
        Column("content_hash", "string", "hash", "of the file", person="none"),
        Column("row", "long", "row_from_0", "row's number in the file", person="none"),
        Column(
            "rule",
            "string",
            "name",
            "no_user, no_item, no_time, no_type, time_in_future, time_too_early, uncastable, duplicate_event, …",
            person="none",
        ),
        Column("column", "string", "name", "the column that broke it", True, person="none"),
        Column("reason", "string", "text", "what is wrong and how to fix it", person="quasi"),
        Column("payload", "string", "json", "the row as it came", person="id"),
        Column("quarantined_at", "timestamp", "utc_timestamp", "the run's now", person="none"),
        Column("run_id", "string", "id", "the run", person="none"),
        Column(
            "resolution",
            "string",
            "name",
            "null: open; fixed: breaks the rule no more; other_rule: stands here again by another; "
            "replaced: its file came in again, fixed",
            True,
            person="none",
        ),
        Column(
            "resolved_at", "timestamp", "utc_timestamp", "now of the run that found it resolved", True, person="none"
        ),
        Column("resolved_by", "string", "id", "that run", True, person="none"),
    ),
    not_in_digest=("run_id", "quarantined_at", "resolved_at", "resolved_by"),
)

INGESTED = Table(
    name="ops.ingested",
    grain="one row per file, stage, table that it went into, and fingerprint",
    keys=("stage", "dataset", "source_table", "target", "content_hash", "fingerprint"),
    writer="*",
    doc="Which files are in: what stands here is not read again. Rows follow the write that they tell of.",
    columns=(
        Column("stage", "string", "name", "bronze or silver"),
        Column("dataset", "string", "name", "mapping"),
        Column("source_table", "string", "name", "file set of the mapping"),
        Column("target", "string", "name", "the table that the file's rows went into"),
        Column("content_hash", "string", "hash", "SHA-256 of the file's bytes"),
        Column("fingerprint", "string", "hash", "bronze: the mapping's version; silver: SHA-256 of the mapping"),
        Column("file", "string", "path", "file's name"),
        Column("batch", "long", "count", "the bronze batch"),
        Column("ingested_at", "timestamp", "utc_timestamp", "the run's now"),
        Column("run_id", "string", "id", "the run", person="none"),
    ),
    not_in_digest=("run_id", "ingested_at"),
)

PSEUDONYMS = Table(
    name="ops.pseudonyms",
    grain="one row per data set, source table and column whose ids are replaced",
    keys=("dataset", "source_table", "column"),
    writer="*",
    doc=(
        "What is replaced by pseudonyms, and by which key; no row: the lake holds ids as they came. Written before the"
        " rows it tells of."
    ),
    streamed=True,
    columns=(
        Column("dataset", "string", "name", "mapping"),
        Column("source_table", "string", "name", "file set of the mapping"),
        Column("column", "string", "name", "the column of the source"),
        Column("key_check", "string", "hash", "tells the key from others: 32 bits of HMAC-SHA256 under it"),
        Column("run_id", "string", "id", "the run", person="none"),
    ),
)

QUALITY = Table(
    name="ops.quality",
    grain="one row per run of quality, rule, table and key",
    keys=("run_id", "rule", "table", "key"),
    writer="quality",
    doc="What the rules of whole tables found; features and candidates begin when no error stands here.",
    columns=(
        Column("as_of_date", "date", "utc_date", "the run's as_of: only what was known before it was looked at"),
        Column("dataset", "string", "name", "mapping"),
        Column("rule", "string", "name", "events, days, items, quarantined, keys, references, freshness, volume, …"),
        Column("table", "string", "name", "silver table, or table of the mapping"),
        Column("key", "string", "name", "column, key columns or dimension that was looked at; empty: all of the table"),
        Column(
            "value", "double", "score", "what was found, in the rule's own unit; null where it was not judged", True
        ),
        Column("limit", "double", "score", "the limit that is broken, or the next one, in the same unit", True),
        Column("severity", "string", "name", "error or warning: the worst that the settings let the rule be"),
        Column(
            "state",
            "string",
            "name",
            "kept, warning, error, or skipped: too little to judge by",
            check="state in ('kept','warning','error','skipped')",
        ),
        Column("reason", "string", "text", "table, column, numbers; where it is broken the cure"),
        Column("checked_at", "timestamp", "utc_timestamp", "the run's now"),
        Column("run_id", "string", "id", "the run", person="none"),
    ),
    not_in_digest=("run_id", "checked_at"),
)

LEADERBOARD = Table(
    name="ops.leaderboard",
    grain="one row per run of the leaderboard and model",
    keys=("run_id", "model"),
    writer="*",
    doc="What each recommender was worth on a split of some data, and what it cost; rows of one board compare.",
    columns=(
        Column("board", "string", "hash", "SHA-256 of the split: rows with the same one were judged alike"),
        Column(
            "data",
            "string",
            "name",
            "what the data is called: the last part of its path, or events; of a cold track its name, too",
        ),
        Column(
            "protocol",
            "string",
            "name",
            "how it was cut",
            check="protocol in ('temporal','leave-one-out','given-split')",
        ),
        Column("model", "string", "name", "a recommender, or several joined by +"),
        Column("config_json", "string", "json", "its settings; of several their weights"),
        Column(
            "metrics",
            "map<string,double>",
            "score",
            "recall@k, capped_recall@k and ndcg@k, means over users; of raters mae and rmse",
        ),
        Column("ci_low", "map<string,double>", "score", "lower ends of their 95 % intervals"),
        Column("ci_high", "map<string,double>", "score", "upper ends"),
        Column("users", "long", "count", "users with truth"),
        Column("trials", "long", "count", "settings tried on the validation part; 0: as they were given"),
        Column("fit_s", "double", "seconds", "wall time of the last fit"),
        Column("predict_s", "double", "seconds", "wall time of all lists"),
        Column("peak_mb", "double", "count", "highest memory of all processes meanwhile (MB, PSS, with the JVM)"),
        Column("seed", "long", "count", "seed of fits, draws and intervals"),
        Column("judged_at", "timestamp", "utc_timestamp", "the run's now"),
        Column("run_id", "string", "id", "the run", person="none"),
    ),
    not_in_digest=("run_id", "judged_at", "fit_s", "predict_s", "peak_mb"),
)

TABLES = (RUNS, QUARANTINE, INGESTED, PSEUDONYMS, QUALITY, LEADERBOARD)
