package dev.millrace.rejected;

import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TargetChange;
import dev.millrace.control.ParkedKeys.ParkedKey;
import dev.millrace.reconcile.ShownRows;
import dev.millrace.reconcile.ShownValues;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// A key whose changes were set aside, as `rejected list -o json` prints it. Fields may be added.
/// Contains the values of the key, of sensitive columns as hashes: for an operator who asked for
/// them, never for logs. Immutable.
///
/// @param key column names with values
/// @param state `held` (tried again by itself), `parked` (waits for an operator) or `skipped`
/// @param cause contains no value of a row
/// @param sqlState of the target; `null` if the change could not be mapped
/// @param partition of the changes topic
/// @param changesOffset the block in the changes topic with the first change that was not applied
/// @param index of this change in its block
/// @param changes the number of changes that were set aside
/// @param skipped who dropped the changes; `null` if nobody did
public record RejectedKey(
        long id,
        String table,
        Map<String, String> key,
        String state,
        String cause,
        @Nullable String sqlState,
        int partition,
        long changesOffset,
        int index,
        long changes,
        long bytes,
        Instant at,
        @Nullable Skipped skipped) {

    public RejectedKey {
        key = Collections.unmodifiableMap(new LinkedHashMap<>(key));
    }

    public record Skipped(String who, String reason, Instant at) {}

    /// A key with the changes that wait, in their order, as `rejected show` prints it.
    public record Detail(RejectedKey key, List<Change> waiting) {

        public Detail {
            waiting = List.copyOf(waiting);
        }
    }

    /// A change that waits.
    ///
    /// @param kind `upsert`, `delete`, or `unmapped` with the row of the source table
    /// @param values by column; `null` is NULL
    /// @param unchanged columns whose value the change does not contain
    public record Change(
            String kind,
            long changesOffset,
            int index,
            Map<String, @Nullable String> values,
            List<String> unchanged) {

        static Change of(TargetChange change, ShownRows rows) {
            return switch (change) {
                case TargetChange.Upsert(var _, Row row) ->
                        of("upsert", change, row, rows.ofTarget(row.table(), columns(row)));
                case TargetChange.Delete(var _, Row row) ->
                        of("delete", change, row, rows.ofTarget(row.table(), columns(row)));
                case TargetChange.Rejected rejected ->
                        of(
                                "unmapped",
                                change,
                                rejected.image(),
                                rows.ofImage(rejected.target(), columns(rejected.image())));
                case TargetChange.Truncate _,
                        TargetChange.BackfillComplete _,
                        TargetChange.Watermark _ ->
                        throw new IllegalStateException("Only rows wait.");
            };
        }

        private static List<String> columns(Row row) {
            return row.schema().columns();
        }

        private static Change of(String kind, TargetChange change, Row row, ShownValues shown) {
            RowSchema schema = row.schema();
            Map<String, @Nullable String> values = new LinkedHashMap<>();
            List<String> unchanged = new ArrayList<>();
            for (int i = 0; i < schema.size(); i++) {
                if (row.isUnchanged(i)) {
                    unchanged.add(schema.columns().get(i));
                } else {
                    String column = schema.columns().get(i);
                    values.put(column, shown.whole(column, row.text(i)));
                }
            }
            return new Change(
                    kind,
                    change.token().changesOffset(),
                    change.token().index(),
                    values,
                    unchanged);
        }
    }

    /// @param columns names of the key's columns; empty if they are not known any more
    static RejectedKey of(ParkedKey parked, List<String> columns, ShownRows rows) {
        List<String> names =
                IntStream.range(0, parked.key().size())
                        .mapToObj(i -> columns.isEmpty() ? "key column " + (i + 1) : columns.get(i))
                        .toList();
        ShownValues shown = rows.ofTarget(parked.table(), names);
        Map<String, String> key = new LinkedHashMap<>();
        for (int i = 0; i < names.size(); i++) {
            key.put(names.get(i), shown.shown(names.get(i), parked.key().get(i)));
        }
        return new RejectedKey(
                parked.id(),
                parked.table().toString(),
                key,
                parked.state().word(),
                parked.cause(),
                parked.sqlState().isEmpty() ? null : parked.sqlState(),
                parked.partition(),
                parked.changesOffset(),
                parked.index(),
                parked.changes(),
                parked.bytes(),
                parked.at(),
                parked.skip()
                        .map(skip -> new Skipped(skip.who(), skip.reason(), skip.at()))
                        .orElse(null));
    }
}
