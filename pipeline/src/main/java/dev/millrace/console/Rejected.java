package dev.millrace.console;

import dev.millrace.cli.text.Figures;
import dev.millrace.rejected.RejectedKey;
import java.util.List;
import java.util.stream.Collectors;

/// The values of the page *Rejected keys*, the oldest first.
///
/// @param more there are more keys than are shown
public record Rejected(List<Row> rows, boolean more) {

    static final int SHOWN = 200;

    public record Row(
            long id,
            String table,
            String key,
            String state,
            String cause,
            String changes,
            String since) {

        static Row of(RejectedKey key) {
            return new Row(
                    key.id(),
                    key.table(),
                    key.key().entrySet().stream()
                            .map(each -> each.getKey() + " = " + each.getValue())
                            .collect(Collectors.joining(", ")),
                    key.state(),
                    key.cause(),
                    Figures.count(key.changes()),
                    Figures.second(key.at().toString()));
        }
    }

    /// @param found at most one more than are shown
    static Rejected of(List<RejectedKey> found) {
        return new Rejected(
                found.stream().limit(SHOWN).map(Row::of).toList(), found.size() > SHOWN);
    }
}
