package dev.millrace.spec;

import dev.millrace.spec.access.AccessForm;
import dev.millrace.spec.access.ApiForm;
import dev.millrace.spec.scalar.Scalar;
import dev.millrace.spec.setting.Setting;
import dev.millrace.spec.setting.Setting.AtMostOne;
import dev.millrace.spec.setting.Setting.NotYetSupported;
import dev.millrace.spec.setting.Setting.ShortForm;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The records that bind `millrace.yaml`. Its JSON Schema is generated from the same records, so
/// that file and schema cannot differ. A component is null when its key is absent or was refused.
record SpecForm(
        @Setting(
                        value =
                                "The migration's name. It names the replication slot, the"
                                        + " publication, the topics, the consumer groups and the"
                                        + " control rows.",
                        required = true,
                        pattern = SpecForm.MIGRATION,
                        examples = "shop")
                @Nullable Scalar migration,
        @Setting(
                        value = "The database to migrate from. Its tables are read, never changed.",
                        required = true,
                        kind = "a mapping with url, username and password")
                @Nullable EndpointForm source,
        @Setting(
                        value = "The database to migrate to.",
                        required = true,
                        kind = "a mapping with url, username and password")
                @Nullable EndpointForm target,
        @Setting(
                        value =
                                "The Kafka cluster that stores the log. Without it, an embedded"
                                        + " single-node broker stores the log under data-dir.",
                        kind = "a mapping with bootstrap-servers, partitions and retention")
                @Nullable KafkaForm kafka,
        @Setting(
                        value =
                                "The folder of the embedded broker's log and of the topologies'"
                                        + " state. Relative paths, here and in every other key,"
                                        + " start at the folder of this file.",
                        standard = SpecForm.DATA_DIR,
                        examples = "/var/lib/millrace")
                @Nullable Scalar dataDir,
        @Setting(
                        value =
                                "Each target table (schema.table), declared as a SELECT over the"
                                        + " source. `a.*: SELECT * FROM b.*` copies every other"
                                        + " table of a schema unchanged.",
                        required = true,
                        kind = "a mapping from target table to SELECT")
                @Nullable Map<Scalar, TableForm> tables,
        @Setting(
                        value =
                                "Properties passed to Debezium's PostgreSQL connector. Those"
                                        + " that Millrace sets itself are refused.",
                        kind = "a mapping from property to value",
                        secret = true)
                @Nullable Map<Scalar, Scalar> debezium,
        @Setting(
                        value =
                                "How existing rows are read. windows: in ranges of pages, several"
                                        + " at once, beside the stream of changes. engine: in one"
                                        + " snapshot, before the stream begins.",
                        pattern = SpecForm.BACKFILL,
                        standard = "windows",
                        examples = "engine")
                @Nullable Scalar backfill,
        @Setting(
                        value = SpecForm.INDEXES_MEANING,
                        pattern = SpecForm.INDEXES,
                        standard = "keep",
                        examples = "after-backfill")
                @Nullable Scalar indexes,
        @Setting(
                        value = SpecForm.REJECTED_MEANING,
                        range = {1, SpecForm.MAX_REJECTED},
                        standard = "10000",
                        examples = "100")
                @Nullable Scalar rejectedLimit,
        @Setting(
                        value = SpecForm.TRUNCATE_MEANING,
                        pattern = SpecForm.TRUNCATE,
                        standard = "apply",
                        examples = "refuse")
                @Nullable Scalar truncate,
        @Setting(
                        value = SpecForm.SCHEMA_CHANGE_MEANING,
                        pattern = SpecForm.SCHEMA_CHANGE,
                        kind = "a mapping from kinds of change to ignore, apply or pause")
                @Nullable Map<Scalar, Scalar> schemaChange,
        @Setting(
                        value =
                                "When and how the applications move to the target. It can be"
                                        + " changed between two starts of one migration.",
                        kind =
                                "a mapping with fence, verdict-max-age, lag-below, timeout,"
                                        + " reverse-window and route")
                @Nullable SwitchoverForm switchover,
        @Setting(
                        value =
                                "Statements of the application that are run on both sides by"
                                        + " 'reconcile', to compare their results. They can be"
                                        + " changed between two starts of one migration.",
                        kind = "a list of mappings with name, old, new, parameters and role")
                @Nullable List<QueryForm> queries,
        @Setting(
                        value =
                                "When the service compares both sides by itself, and what a"
                                        + " comparison may cost. It can be changed between two"
                                        + " starts of one migration.",
                        kind =
                                "a mapping with schedule, incremental, max-load, chunk-time,"
                                        + " parallel, statement-timeout and foreign-writes")
                @Nullable ReconcileForm reconcile,
        @Setting(
                        value =
                                "Limits of metrics, and what is held while a metric is above its"
                                        + " limit. They can be changed between two starts of one"
                                        + " migration.",
                        kind =
                                "a list of mappings with metric, sql and on, http or between, with"
                                        + " above, for and then")
                @Nullable List<StopWhenForm> stopWhen,
        @Setting(
                        value =
                                "How much WAL the source may retain for the migration, in kB, MB, GB or"
                                        + " TB. At 80 % of it no existing row is read. Without it,"
                                        + " max_slot_wal_keep_size of the source, if that is less.",
                        pattern = SpecForm.SIZE,
                        examples = "20GB")
                @Nullable Scalar walBudget,
        @Setting(
                        value =
                                "What is done when the WAL budget is used up. keep: nothing."
                                        + " drop-slot: Millrace drops its replication slot, so that"
                                        + " the source retains no WAL for it. The migration fails,"
                                        + " and every row must be read again.",
                        pattern = "(keep|drop-slot)",
                        standard = "keep",
                        examples = "drop-slot")
                @Nullable Scalar walExit,
        @Setting(
                        value =
                                "Who may use the service. It can be changed between two starts of"
                                        + " one migration. Without it, all callers have the same"
                                        + " token, or none.",
                        kind = "a mapping with tokens, approvals and oidc")
                @Nullable AccessForm access,
        @Setting(
                        value = "How the service is reached. Without it, by HTTP.",
                        kind = "a mapping with certificate and key")
                @Nullable ApiForm api) {

    static final String SIZE = "[1-9][0-9]{0,8}(kB|MB|GB|TB)";
    static final String MIGRATION = "[a-z][a-z0-9_]{0,30}";
    static final String BACKFILL = "(windows|engine)";
    static final String INDEXES = "(keep|after-backfill)";
    static final String INDEXES_MEANING =
            "What happens to secondary indexes and foreign keys of the target tables. keep: they"
                    + " stay. after-backfill: they are dropped before the first row and created"
                    + " again when the backfill is complete.";
    static final int MAX_REJECTED = 999_999_999;
    static final String REJECTED_MEANING =
            "How many keys of a target table may wait because the target refused one of their"
                    + " changes. With more of them the table is stopped.";
    static final String TRUNCATE = "(apply|refuse)";
    static final String TRUNCATE_MEANING =
            "What a TRUNCATE of a source table does. apply: the target loses the rows that come"
                    + " from it. refuse: the target keeps them, and the table is stopped.";
    static final String SCHEMA_CHANGE =
            "((add|drop|rename|retype)-column|rename-table|add-enum-label|(attach|detach)-partition)";
    static final String SCHEMA_CHANGE_MEANING =
            "What a change of a source table's definition does. add-column: ignore. drop-column,"
                    + " rename-column, retype-column, rename-table and add-enum-label: pause."
                    + " attach-partition and detach-partition: apply (the standard) or pause.";
    static final String DATA_DIR = "./millrace-data";
    static final String URL = "jdbc:postgresql://.+";
    static final int MAX_PARTITIONS = 1024;
    static final String RETENTION = "[1-9][0-9]{0,5}[mhd]";
    static final String DEFAULT_RETENTION = "7d";

    @AtMostOne({"password", "password-file"})
    record EndpointForm(
            @Setting(
                            value =
                                    "The JDBC URL, without credentials:"
                                            + " jdbc:postgresql://host:port/database.",
                            required = true,
                            pattern = SpecForm.URL,
                            examples = "jdbc:postgresql://localhost:5432/shop")
                    @Nullable Scalar url,
            @Setting(value = "The role to connect as.", required = true, examples = "millrace")
                    @Nullable Scalar username,
            @Setting(
                            value =
                                    "The role's password, preferably from the environment. Set"
                                            + " at most one of password and password-file.",
                            examples = "${SOURCE_PASSWORD}",
                            secret = true)
                    @Nullable Scalar password,
            @Setting(
                            value =
                                    "A file that contains the password, such as a mounted"
                                            + " secret. A newline at its end is ignored. It is"
                                            + " read again for each connection, so a rotated"
                                            + " password needs no restart.",
                            examples = "/run/secrets/source-password")
                    @Nullable Scalar passwordFile,
            @Setting(
                            value =
                                    "The login of comparisons, which only read. Without it, they"
                                            + " have the same login as everything else. It can be"
                                            + " changed between two starts of one migration.",
                            kind = "a mapping with username and password")
                    @Nullable LoginForm reconcile) {}

    @AtMostOne({"password", "password-file"})
    record LoginForm(
            @Setting(
                            value = "The role to connect as. It needs only the right to read.",
                            required = true,
                            examples = "millrace_reconcile")
                    @Nullable Scalar username,
            @Setting(
                            value =
                                    "The role's password, preferably from the environment. Set"
                                            + " at most one of password and password-file.",
                            examples = "${SOURCE_RECONCILE_PASSWORD}",
                            secret = true)
                    @Nullable Scalar password,
            @Setting(
                            value =
                                    "A file that contains the password. It is read again for each"
                                            + " connection.",
                            examples = "/run/secrets/source-reconcile-password")
                    @Nullable Scalar passwordFile) {}

    @AtMostOne({"password", "password-file"})
    record KafkaForm(
            @Setting(
                            value =
                                    "The cluster's brokers: host:port, separated by commas."
                                            + " Without it, the embedded broker is used.",
                            examples = "localhost:9092")
                    @Nullable Scalar bootstrapServers,
            @Setting(
                            value =
                                    "The user of an external cluster, which logs in with"
                                            + " SASL_SSL and SCRAM-SHA-512, unless"
                                            + " security.protocol and sasl.mechanism of"
                                            + " properties say otherwise (SCRAM-SHA-256, PLAIN).",
                            examples = "millrace")
                    @Nullable Scalar username,
            @Setting(
                            value = "The user's password, preferably from the environment.",
                            examples = "${KAFKA_PASSWORD}",
                            secret = true)
                    @Nullable Scalar password,
            @Setting(
                            value =
                                    "A file that contains the password. It is read again for each"
                                            + " connection.",
                            examples = "/run/secrets/kafka-password")
                    @Nullable Scalar passwordFile,
            @Setting(
                            value =
                                    "Partitions of the changes and target topics. Fixed when the"
                                            + " topics are created.",
                            range = {1, SpecForm.MAX_PARTITIONS},
                            standard = "4",
                            kind = "a number",
                            examples = "6")
                    @Nullable Scalar partitions,
            @Setting(
                            value =
                                    "How long records stay in the log after every reader has"
                                            + " stored a later position: a number and m, h or d"
                                            + " (minutes, hours, days). Unread records are never"
                                            + " deleted.",
                            pattern = SpecForm.RETENTION,
                            standard = SpecForm.DEFAULT_RETENTION,
                            examples = "12h")
                    @Nullable Scalar retention,
            @Setting(
                            value =
                                    "How clients connect to an external cluster: security.*,"
                                            + " sasl.* and ssl.* properties.",
                            kind = "a mapping from property to value",
                            secret = true)
                    @Nullable Map<Scalar, Scalar> properties) {}

    @ShortForm("select")
    @NotYetSupported(value = "transformer", list = "several SELECTs into one table (a merge)")
    record TableForm(
            @Setting(
                            value = "The SELECT over the source that produces the target's rows.",
                            required = true,
                            examples = "SELECT id, user_name AS full_name FROM public.users")
                    @Nullable Scalar select,
            @Setting(
                            value =
                                    "Columns of the target key, if it is not the target's"
                                            + " primary key. The SELECT must supply them.",
                            kind = "a list of column names",
                            examples = {"region", "id"})
                    @Nullable List<Scalar> key,
            @Setting(
                            value =
                                    "The setting of this table, if it is not the one of the whole"
                                            + " file: keep or after-backfill.",
                            pattern = SpecForm.INDEXES,
                            examples = "after-backfill")
                    @Nullable Scalar indexes,
            @Setting(
                            value = SpecForm.REJECTED_MEANING,
                            range = {1, SpecForm.MAX_REJECTED},
                            examples = "100")
                    @Nullable Scalar rejectedLimit,
            @Setting(
                            value = SpecForm.TRUNCATE_MEANING,
                            pattern = SpecForm.TRUNCATE,
                            examples = "refuse")
                    @Nullable Scalar truncate,
            @Setting(
                            value = SpecForm.SCHEMA_CHANGE_MEANING,
                            pattern = SpecForm.SCHEMA_CHANGE,
                            kind = "a mapping from kinds of change to ignore, apply or pause")
                    @Nullable Map<Scalar, Scalar> schemaChange,
            @Setting(
                            value =
                                    "SELECTs in the other direction: each reads this target table"
                                            + " and supplies columns of the source table, with its"
                                            + " key. They complete and replace what Millrace"
                                            + " derives from the SELECT.",
                            kind = "a list of SELECTs",
                            examples = "SELECT id, full_name AS user_name FROM crm.customer")
                    @Nullable List<Scalar> reverse,
            @Setting(
                            value =
                                    "Columns of the target table whose values reports show as"
                                            + " hashes.",
                            kind = "a list of column names",
                            examples = "email")
                    @Nullable List<Scalar> sensitive) {}
}
