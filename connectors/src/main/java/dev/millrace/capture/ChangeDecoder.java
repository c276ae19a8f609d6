package dev.millrace.capture;

import dev.millrace.capture.ChangeDecoder.Decoded.What;
import dev.millrace.capture.connector.SourceFields;
import dev.millrace.capture.connector.TableTopics;
import dev.millrace.capture.connector.TextConverter;
import dev.millrace.capture.position.PositionCodec.UnreadableChangeException;
import dev.millrace.change.ChangeEvent.Origin;
import dev.millrace.change.Lsn;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.postgres.ReplicationOrigins;
import dev.millrace.sql.Relation;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiPredicate;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;
import org.jspecify.annotations.Nullable;

/// Decodes the engine's records. Throws [UnreadableChangeException] with the names for an unknown
/// operation, a table that no mapping reads, or a missing key. Not thread-safe; confined to the
/// engine's thread.
final class ChangeDecoder {

    private final Map<String, CapturedTable> tables = new HashMap<>();
    private final Map<Schema, RowSchema> rowSchemas = new IdentityHashMap<>();
    private final Optional<String> opposite;
    private final BiPredicate<TableId, String> isRead;

    /// @param opposite the stream whose changes are marked as own
    /// @param isRead whether a mapping reads a column of a table
    ChangeDecoder(
            List<CapturedTable> tables,
            Optional<String> opposite,
            BiPredicate<TableId, String> isRead) {
        this.opposite = opposite;
        this.isRead = isRead;
        tables.forEach(table -> this.tables.put(TableTopics.of(table.relation().id()), table));
    }

    Decoded decode(SourceRecord record) {
        Struct envelope = (Struct) record.value();
        String operation = envelope.getString("op");
        if (operation.equals("r")) {
            return new Decoded.SnapshotRow(row(table(record), envelope.getStruct("after"), null));
        }
        Map<String, ?> position = record.sourceOffset();
        Long lastCommit = (Long) position.get("lsn_commit");
        return new Decoded.Streamed(
                lastCommit == null ? Lsn.ZERO : new Lsn(lastCommit),
                origin(position),
                what(operation, envelope, record),
                !operation.equals("m")
                        && isOwn(envelope.getStruct("source").getString(SourceFields.ORIGIN)));
    }

    /// @param origin the name of the transaction's replication origin
    private boolean isOwn(@Nullable String origin) {
        return opposite.isPresent() && ReplicationOrigins.isOf(opposite.get(), origin);
    }

    private What what(String operation, Struct envelope, SourceRecord record) {
        if (operation.equals("c") || operation.equals("u") || operation.equals("d")) {
            Struct image = envelope.getStruct(operation.equals("d") ? "before" : "after");
            if (image != null) {
                Optional<What.Unusable> found = unusable(table(record), image.schema());
                if (found.isPresent()) {
                    return found.get();
                }
            }
        }
        return switch (operation) {
            case "c" -> new What.Inserted(row(table(record), envelope.getStruct("after"), null));
            case "u" ->
                    updated(
                            table(record),
                            envelope.getStruct("after"),
                            envelope.getStruct("before"));
            case "d" -> new What.Deleted(row(table(record), envelope.getStruct("before"), null));
            case "t" -> new What.Truncated(table(record).relation().id());
            case "m" -> new What.Message(content(envelope.getStruct("message")));
            default ->
                    throw new UnreadableChangeException(
                            "The engine delivered the unknown operation '" + operation + "'.");
        };
    }

    /// The engine identifies rows by the primary key. If the captured key is another one, the
    /// engine reports a change of that key as an update.
    private What updated(CapturedTable table, @Nullable Struct after, @Nullable Struct before) {
        Row row = row(table, after, before);
        if (before == null) {
            return new What.Updated(row);
        }
        Row old = row(table, before, null);
        return old.key().equals(row.key()) ? new What.Updated(row) : new What.Rekeyed(old, row);
    }

    /// Each change of the columns gives another schema, so a known one has every column.
    private Optional<What.Unusable> unusable(CapturedTable table, Schema schema) {
        if (rowSchemas.containsKey(schema)) {
            return Optional.empty();
        }
        TableId id = table.relation().id();
        return table.relation().columns().stream()
                .filter(column -> !column.generated())
                .map(Relation.Column::name)
                .filter(name -> schema.field(name) == null && isRead.test(id, name))
                .findFirst()
                .map(name -> new What.Unusable(id, name));
    }

    private CapturedTable table(SourceRecord record) {
        CapturedTable table = tables.get(record.topic());
        if (table == null) {
            throw new UnreadableChangeException(
                    "The engine delivered a change of "
                            + record.topic()
                            + ", which no mapping reads.");
        }
        return table;
    }

    private Row row(CapturedTable table, @Nullable Struct image, @Nullable Struct old) {
        if (image == null) {
            throw new UnreadableChangeException(
                    "A change of "
                            + table.relation().id()
                            + " arrived without the row: the table has no usable replica identity.");
        }
        RowSchema rowSchema =
                rowSchemas.computeIfAbsent(
                        image.schema(),
                        schema ->
                                RowSchema.keyed(
                                        table.relation().id(),
                                        schema.fields().stream()
                                                .map(Field::name)
                                                .filter(name -> !table.isGenerated(name))
                                                .toList(),
                                        table.relation().key()));
        Row.Builder row = new Row.Builder(rowSchema);
        for (int i = 0; i < rowSchema.size(); i++) {
            String name = rowSchema.columns().get(i);
            String text = text(image, name);
            boolean key = rowSchema.key().contains(i);
            if (isUnchanged(text) && old != null && (key || table.fullIdentity())) {
                text = text(old, name);
            }
            if (key && (text == null || isUnchanged(text))) {
                throw new UnreadableChangeException(
                        "A change of "
                                + table.relation().id()
                                + " arrived without its key column "
                                + name
                                + ": the replica identity changed while the capture was running.");
            }
            if (isUnreadable(text)) {
                throw new UnreadableChangeException(
                        "The engine delivered column "
                                + name
                                + " of "
                                + table.relation().id()
                                + " in an unknown form.");
            }
            if (isUnchanged(text)) {
                row.unchanged(i);
            } else {
                row.text(i, text);
            }
        }
        return row.build();
    }

    /// `Struct.get` would replace NULL with the schema's default.
    private static @Nullable String text(Struct image, String column) {
        return (String) image.getWithoutDefault(column);
    }

    @SuppressWarnings({
        "StringEquality",
        "ReferenceEquality"
    }) // the marker is compared by identity, so that no value equals it
    private static boolean isUnchanged(@Nullable String text) {
        return text == TextConverter.UNCHANGED;
    }

    @SuppressWarnings({"StringEquality", "ReferenceEquality"}) // as above
    private static boolean isUnreadable(@Nullable String text) {
        return text == TextConverter.UNREADABLE;
    }

    private static Origin origin(Map<String, ?> position) {
        Long lsn = (Long) position.get("lsn");
        Long transaction = (Long) position.get("txId");
        if (lsn == null || transaction == null) {
            throw new UnreadableChangeException(
                    "The engine delivered a change without a WAL position or transaction id.");
        }
        Long micros = (Long) position.get("ts_usec");
        return new Origin(new Lsn(lsn), transaction, micros == null ? 0 : micros);
    }

    private static byte[] content(Struct message) {
        return switch (message.getWithoutDefault("content")) {
            case byte[] bytes -> bytes;
            case ByteBuffer buffer -> {
                byte[] bytes = new byte[buffer.remaining()];
                buffer.duplicate().get(bytes);
                yield bytes;
            }
            case String text -> Base64.getDecoder().decode(text);
            case null, default ->
                    throw new UnreadableChangeException(
                            "The engine delivered a message without content.");
        };
    }

    /// The content of one engine record, before it has a place in the log.
    sealed interface Decoded {

        /// A row read by the snapshot.
        record SnapshotRow(Row row) implements Decoded {}

        /// One event of a transaction.
        ///
        /// @param lastCommit end of the last commit before it; zero if there was none since the
        ///   start
        /// @param own whether it is a change that the opposite stream wrote
        record Streamed(Lsn lastCommit, Origin origin, What what, boolean own) implements Decoded {}

        sealed interface What {
            record Inserted(Row row) implements What {}

            record Updated(Row row) implements What {}

            /// An update that changed the key: one event of the transaction, two events of the log.
            record Rekeyed(Row old, Row row) implements What {}

            record Deleted(Row row) implements What {}

            record Truncated(TableId table) implements What {}

            /// A change of a row without a column that a mapping reads.
            ///
            /// @param column the first one that is missing
            record Unusable(TableId table, String column) implements What {}

            record Message(byte[] content) implements What {}

            /// The table whose rows changed; empty for a message.
            default Optional<TableId> changed() {
                return switch (this) {
                    case Inserted(Row row) -> Optional.of(row.table());
                    case Updated(Row row) -> Optional.of(row.table());
                    case Rekeyed(Row _, Row row) -> Optional.of(row.table());
                    case Deleted(Row row) -> Optional.of(row.table());
                    case Truncated(TableId table) -> Optional.of(table);
                    case Unusable(TableId table, String _) -> Optional.of(table);
                    case Message _ -> Optional.empty();
                };
            }
        }
    }
}
