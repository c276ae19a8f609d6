package dev.millrace.kafka;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Row;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.kafka.ChangeLog.Logged;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BinaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/// A change in a topic as one line of JSON for an operator. A cell is its text, null, or
/// `{"unchanged":true}`. It contains row values, because the operator requested them; it is never
/// written to Millrace's own log. Immutable.
///
/// @param offset of the record that contains the change
/// @param index of the change in the record
/// @param table a source table in the changes topic, a target table in a target topic
/// @param key the key columns by name
/// @param row of a rejected change: the source row
/// @param token only for a target record: generation, offset in the changes topic, index in that
///   record
public record LogEntry(
        String topic,
        int partition,
        long offset,
        int index,
        String kind,
        int generation,
        @Nullable String table,
        @Nullable Map<String, @Nullable String> key,
        @Nullable Map<String, @Nullable Object> row,
        @Nullable Long truncation,
        @Nullable String reason,
        @Nullable String token,
        @Nullable Long watermark,
        @Nullable String lsn,
        @Nullable Long transaction,
        @Nullable Instant committedAt) {

    private static final String CHANGES = "changes";
    private static final String REJECTED = "rejected";
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final Map<String, Boolean> UNCHANGED = Map.of("unchanged", true);

    /// Which table the columns of the row are of.
    public enum Rows {
        SOURCE,
        TARGET,
        /// The entry names a target table, and has the source row of which no target row was made.
        IMAGE
    }

    public Rows rows() {
        if (topic.equals(CHANGES)) {
            return Rows.SOURCE;
        }
        return kind.equals(REJECTED) ? Rows.IMAGE : Rows.TARGET;
    }

    /// The entry with other texts for the values of its row.
    ///
    /// @param shown column and value to text; it is not called for NULL and unchanged values
    public LogEntry with(BinaryOperator<String> shown) {
        return new LogEntry(
                topic,
                partition,
                offset,
                index,
                kind,
                generation,
                table,
                replaced(key, shown),
                replaced(row, shown),
                truncation,
                reason,
                token,
                watermark,
                lsn,
                transaction,
                committedAt);
    }

    @SuppressWarnings("unchecked")
    private static <T> @Nullable Map<String, @Nullable T> replaced(
            @Nullable Map<String, @Nullable T> values, BinaryOperator<String> shown) {
        if (values == null) {
            return null;
        }
        Map<String, @Nullable T> replaced = new LinkedHashMap<>(values);
        replaced.replaceAll(
                (column, value) ->
                        value instanceof String text ? (T) shown.apply(column, text) : value);
        return replaced;
    }

    static LogEntry of(Logged<ChangeEvent> logged) {
        ChangeEvent event = logged.content();
        Draft draft = new Draft(CHANGES, logged, event.generation());
        switch (event) {
            case ChangeEvent.Read read -> draft.change("read", read);
            case ChangeEvent.Insert insert -> draft.change("insert", insert);
            case ChangeEvent.Update update -> draft.change("update", update);
            case ChangeEvent.Delete delete -> draft.change("delete", delete);
            case ChangeEvent.Oversized oversized -> {
                draft.change("oversized", oversized);
                draft.reason = oversized.reason();
            }
            case ChangeEvent.Truncate truncate -> {
                draft.kind = "truncate";
                draft.table = truncate.table().toString();
                draft.truncation = truncate.id();
                draft.origin(truncate.origin());
            }
            case ChangeEvent.BackfillComplete complete -> {
                draft.kind = "backfill-complete";
                draft.table = complete.table().toString();
            }
            case ChangeEvent.Watermark mark -> {
                draft.kind = "watermark";
                draft.watermark = mark.watermark().number();
                draft.origin(mark.origin());
            }
        }
        return draft.entry();
    }

    static LogEntry ofTarget(Logged<TargetChange> logged) {
        TargetChange change = logged.content();
        Token token = change.token();
        Draft draft = new Draft("target", logged, token.generation());
        draft.token = token.generation() + ":" + token.changesOffset() + ":" + token.index();
        switch (change) {
            case TargetChange.Upsert(_, Row row) -> draft.row("upsert", row);
            case TargetChange.Delete(_, Row row) -> draft.row("delete", row);
            case TargetChange.Rejected rejected -> {
                draft.row(REJECTED, rejected.image());
                draft.table = rejected.target().toString();
                draft.reason = rejected.reason();
            }
            case TargetChange.Truncate truncate -> {
                draft.kind = "truncate";
                draft.tables(truncate.targets());
                draft.truncation = truncate.id();
            }
            case TargetChange.BackfillComplete complete -> {
                draft.kind = "backfill-complete";
                draft.tables(complete.targets());
            }
            case TargetChange.Watermark mark -> {
                draft.kind = "watermark";
                draft.watermark = mark.watermark().number();
            }
        }
        return draft.entry();
    }

    /// One line; fields that the record lacks are omitted.
    public String toJson() {
        Map<String, @Nullable Object> parts = new LinkedHashMap<>();
        parts.put("topic", topic);
        parts.put("partition", partition);
        parts.put("offset", offset);
        parts.put("index", index);
        parts.put("kind", kind);
        parts.put("generation", generation);
        putPresent(parts, "table", table);
        putPresent(parts, "key", key);
        putPresent(parts, "row", row);
        putPresent(parts, "truncation", truncation);
        putPresent(parts, "reason", reason);
        putPresent(parts, "token", token);
        putPresent(parts, "watermark", watermark);
        putPresent(parts, "lsn", lsn);
        putPresent(parts, "xid", transaction);
        putPresent(parts, "committedAt", committedAt);
        return JSON.writeValueAsString(parts);
    }

    /// Contains no value, because an entry may be included in a message by mistake.
    @Override
    public String toString() {
        return kind + " at " + topic + "-" + partition + "@" + offset + ":" + index;
    }

    private static void putPresent(
            Map<String, @Nullable Object> parts, String name, @Nullable Object value) {
        if (value != null) {
            parts.put(name, value);
        }
    }

    /// Builds one entry. Not thread-safe.
    private static final class Draft {
        private final String topic;
        private final int partition;
        private final long offset;
        private final int index;
        private final int generation;
        private String kind = "";
        private @Nullable String table;
        private @Nullable Map<String, @Nullable String> key;
        private @Nullable Map<String, @Nullable Object> row;
        private @Nullable Long truncation;
        private @Nullable String reason;
        private @Nullable String token;
        private @Nullable Long watermark;
        private @Nullable String lsn;
        private @Nullable Long transaction;
        private @Nullable Instant committedAt;

        Draft(String topic, Logged<?> logged, int generation) {
            this.topic = topic;
            this.partition = logged.partition();
            this.offset = logged.offset();
            this.index = logged.index();
            this.generation = generation;
        }

        void change(String name, ChangeEvent.OfRow change) {
            row(name, change.row());
            origin(change.origin());
        }

        void row(String name, Row content) {
            kind = name;
            table = content.table().toString();
            Map<String, @Nullable Object> cells = new LinkedHashMap<>();
            for (int i = 0; i < content.schema().size(); i++) {
                String column = content.schema().columns().get(i);
                cells.put(column, content.isUnchanged(i) ? UNCHANGED : content.text(i));
            }
            row = cells;
            Map<String, @Nullable String> values = new LinkedHashMap<>();
            for (int position : content.schema().key()) {
                if (!content.isUnchanged(position)) {
                    values.put(content.schema().columns().get(position), content.text(position));
                }
            }
            key = values;
        }

        void tables(List<TableId> targets) {
            table = targets.stream().map(TableId::toString).collect(Collectors.joining(","));
        }

        void origin(Origin origin) {
            if (origin.equals(Origin.NONE)) {
                return;
            }
            lsn = origin.lsn().toString();
            transaction = origin.transaction();
            if (origin.committedAtMicros() != 0) {
                committedAt = Instant.EPOCH.plus(origin.committedAtMicros(), ChronoUnit.MICROS);
            }
        }

        LogEntry entry() {
            return new LogEntry(
                    topic,
                    partition,
                    offset,
                    index,
                    kind,
                    generation,
                    table,
                    key,
                    row,
                    truncation,
                    reason,
                    token,
                    watermark,
                    lsn,
                    transaction,
                    committedAt);
        }
    }
}
