package dev.millrace.console;

import dev.millrace.rejected.RejectedKey;
import java.util.ArrayList;
import java.util.List;

/// The values of the page of one rejected key, with the changes that wait, in their order.
///
/// @param key as the list shows it
public record RejectedChanges(Rejected.Row key, List<Change> changes) {

    /// @param kind `upsert`, `delete` or `unmapped`
    /// @param place in the changes topic
    public record Change(String kind, String place, List<Cell> cells) {

        private static Change of(RejectedKey.Change change) {
            List<Cell> cells =
                    new ArrayList<>(
                            change.values().entrySet().stream()
                                    .map(
                                            each ->
                                                    new Cell(
                                                            each.getKey(),
                                                            each.getValue() == null
                                                                    ? "NULL"
                                                                    : each.getValue(),
                                                            each.getValue() == null))
                                    .toList());
            change.unchanged().forEach(name -> cells.add(new Cell(name, "unchanged", true)));
            return new Change(
                    change.kind(),
                    "offset " + change.changesOffset() + ", change " + change.index(),
                    List.copyOf(cells));
        }
    }

    /// @param special the text is no value: NULL, or a value that the change does not contain
    public record Cell(String column, String text, boolean special) {}

    static RejectedChanges of(RejectedKey.Detail detail) {
        return new RejectedChanges(
                Rejected.Row.of(detail.key()), detail.waiting().stream().map(Change::of).toList());
    }
}
