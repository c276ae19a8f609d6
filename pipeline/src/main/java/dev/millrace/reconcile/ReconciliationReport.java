package dev.millrace.reconcile;

import com.fasterxml.jackson.annotation.JsonValue;
import dev.millrace.parity.QueryReport;
import dev.millrace.parity.SchemaParity;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The result of one reconciliation. It is also the JSON that other tools read: the component names
/// are the field names. Immutable.
///
/// @param sourceLsn position of the watermark before the first read; `null` when none was emitted
/// @param reason [#CANCELLED] for a cancelled reconciliation; `null` for a finished one
/// @param start where the reconciliation began; `null` in reports of older versions, and when it is
///   not known exactly
/// @param schema what the schema of the target lacks; `null` in reports of older versions, of the
///   way back, and of a cancelled reconciliation. It does not change the verdict
/// @param queries the statements of the application that were compared; they do not change the
///   verdict either
public record ReconciliationReport(
        String migration,
        Verdict verdict,
        Instant startedAt,
        Instant finishedAt,
        @Nullable String sourceLsn,
        String specHash,
        List<TableReport> tables,
        @Nullable String reason,
        @Nullable StartPosition start,
        SchemaParity.@Nullable Report schema,
        List<QueryReport> queries) {

    public static final String CANCELLED = "cancelled";

    /// The maximum number of keys listed per table; all are counted.
    public static final int LISTED = 1_000;

    public ReconciliationReport {
        tables = List.copyOf(tables);
        queries = queries == null ? List.of() : List.copyOf(queries);
    }

    /// A report without the schema and the queries.
    public ReconciliationReport(
            String migration,
            Verdict verdict,
            Instant startedAt,
            Instant finishedAt,
            @Nullable String sourceLsn,
            String specHash,
            List<TableReport> tables,
            @Nullable String reason,
            @Nullable StartPosition start) {
        this(
                migration,
                verdict,
                startedAt,
                finishedAt,
                sourceLsn,
                specHash,
                tables,
                reason,
                start,
                null,
                List.of());
    }

    public ReconciliationReport with(SchemaParity.Report found) {
        return new ReconciliationReport(
                migration,
                verdict,
                startedAt,
                finishedAt,
                sourceLsn,
                specHash,
                tables,
                reason,
                start,
                found,
                queries);
    }

    public ReconciliationReport withQueries(List<QueryReport> found) {
        return new ReconciliationReport(
                migration,
                verdict,
                startedAt,
                finishedAt,
                sourceLsn,
                specHash,
                tables,
                reason,
                start,
                schema,
                found);
    }

    /// True when at least one table is proven different.
    public boolean hasDifferences() {
        return tables.stream().anyMatch(table -> table.verdict() == Verdict.DIFFERENT);
    }

    public enum Verdict {
        EQUAL("equal"),
        DIFFERENT("different"),
        UNDECIDED("undecided");

        private final String word;

        Verdict(String word) {
            this.word = word;
        }

        /// The verdict in JSON, in reports and in the control schema.
        @JsonValue
        public String word() {
            return word;
        }

        /// A proven difference outweighs an undecided table; no table at all is undecided.
        public static Verdict of(List<TableReport> tables) {
            if (tables.stream().anyMatch(table -> table.verdict() == DIFFERENT)) {
                return DIFFERENT;
            }
            boolean equal =
                    !tables.isEmpty()
                            && tables.stream().allMatch(table -> table.verdict() == EQUAL);
            return equal ? EQUAL : UNDECIDED;
        }
    }

    /// One target table. Rows and checksums are those of the compared images: a bucket that
    /// differed at first counts by the rows that were compared last, and a key decided from the log
    /// counts on both sides by the target's row. So an equal verdict has equal numbers, also under
    /// writes. They are `null` when a side was not read.
    ///
    /// @param inFlight keys that were read again because changes of them were in flight
    /// @param fromLog keys that were decided from the log: their source row in rows and checksum
    ///   was not read, but is the row that the log gives at the target's position
    /// @param undecided keys that remain undecided
    /// @param cause why the table is undecided
    /// @param complete false when the comparison reached its limit, so that there may be more
    ///   differences than counted; reports of versions without this field are complete
    /// @param chunks the equal chunks of a table that was compared in chunks, in the order of the
    ///   key
    /// @param method what was compared: [#ALL_ROWS], or the keys that were touched since when
    /// @param sensitive the columns whose values are hashes here
    public record TableReport(
            String target,
            Verdict verdict,
            @Nullable Long sourceRows,
            @Nullable Long targetRows,
            @Nullable String sourceChecksum,
            @Nullable String targetChecksum,
            long missing,
            long extra,
            long different,
            long inFlight,
            long fromLog,
            long undecided,
            double seconds,
            List<Mismatch> mismatches,
            @Nullable String cause,
            Boolean complete,
            List<ChunkReport> chunks,
            String method,
            List<String> sensitive) {

        public static final String ALL_ROWS = "all rows";

        public TableReport {
            method = method == null ? ALL_ROWS : method;
            mismatches = mismatches == null ? List.of() : List.copyOf(mismatches);
            complete = complete == null || complete;
            chunks = chunks == null ? List.of() : List.copyOf(chunks);
            sensitive = sensitive == null ? List.of() : List.copyOf(sensitive);
        }

        /// The same with this method.
        public TableReport by(String how) {
            return new TableReport(
                    target,
                    verdict,
                    sourceRows,
                    targetRows,
                    sourceChecksum,
                    targetChecksum,
                    missing,
                    extra,
                    different,
                    inFlight,
                    fromLog,
                    undecided,
                    seconds,
                    mismatches,
                    cause,
                    complete,
                    chunks,
                    how,
                    sensitive);
        }

        public long differences() {
            return missing + extra + different;
        }
    }

    /// A range of keys that was found equal.
    ///
    /// @param from the texts of the first key's columns; `null` for all keys before `to`
    /// @param to the key after the range; `null` for all keys from `from` on
    /// @param rows of either side; those of keys that changed meanwhile count as they were compared
    ///   last, and may be counted in another chunk that was found equal together with this one
    /// @param after position of the source's WAL before the range was read; each transaction that
    ///   was visible there was compared
    /// @param before position of the source's WAL after it was read; no transaction that began
    ///   there or later was compared
    public record ChunkReport(
            @Nullable List<String> from,
            @Nullable List<String> to,
            long rows,
            String after,
            String before) {}

    /// A key whose row is proven not to be what the SELECT gives.
    ///
    /// @param key the target key's columns and their texts
    /// @param columns the columns that differ; empty for a missing or extra row, and for rows that
    ///   changed too fast or are too wide to compare their cells
    /// @param values of the columns that differ, or of a row that only one side has, without its
    ///   key; none where they are not known, or where a report has too many
    public record Mismatch(
            Map<String, @Nullable String> key,
            Kind kind,
            List<String> columns,
            String cause,
            List<Cell> values) {

        public Mismatch {
            key = Collections.unmodifiableMap(new LinkedHashMap<>(key));
            columns = List.copyOf(columns);
            values = values == null ? List.of() : List.copyOf(values);
        }

        /// A mismatch without values.
        public Mismatch(
                Map<String, @Nullable String> key, Kind kind, List<String> columns, String cause) {
            this(key, kind, columns, cause, List.of());
        }
    }

    /// The texts of one column on both sides; `null` for NULL, and on a side without the row. Of a
    /// long value only the part around the first difference.
    ///
    /// @param source what the SELECT gives
    public record Cell(String column, @Nullable String source, @Nullable String target) {}

    public enum Kind {
        MISSING("missing"),
        EXTRA("extra"),
        DIFFERENT("different");

        private final String word;

        Kind(String word) {
            this.word = word;
        }

        /// The kind in JSON and in reports.
        @JsonValue
        public String word() {
            return word;
        }
    }
}
