package dev.millrace.console;

import dev.millrace.http.MigrationDefinition;
import dev.millrace.http.MigrationDefinition.TableDefinition;
import dev.millrace.migration.MigrationControl;
import dev.millrace.replication.RefusedException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The values of the page *Log*: the way of one key, or records of a topic, the oldest first.
///
/// @param asked what the person asked for
/// @param targets the names of the target tables
/// @param path of the key that was asked for; `null` if none was
/// @param more there may be more records than are shown
public record LogLines(
        Asked asked,
        List<String> targets,
        @Nullable KeyPath path,
        List<String> lines,
        boolean more) {

    /// @param topic `changes` or `target`; empty for the way of a key, or if nothing was asked yet
    /// @param table empty for all
    /// @param key empty for all
    /// @param sourceKey the key on the source if it is another one
    public record Asked(String topic, String table, String key, String sourceKey) {

        /// The options of a command.
        public String options() {
            return option("--table", table) + option("--key", key);
        }

        private static String option(String name, String value) {
            return " " + name + " " + (value.isEmpty() ? "…" : value);
        }
    }

    private static final int SHOWN = 100;

    static LogLines of(MigrationControl control, MigrationDefinition definition, Asked asked) {
        List<String> targets =
                definition.tables().stream().map(TableDefinition::target).distinct().toList();
        List<String> lines = new ArrayList<>();
        KeyPath path = null;
        switch (asked.topic()) {
            case "" -> {
                if (!asked.table().isBlank() && !asked.key().isBlank()) {
                    path =
                            KeyPath.of(
                                    control,
                                    definition,
                                    asked.table().strip(),
                                    asked.key().strip(),
                                    asked.sourceKey().strip());
                }
            }
            case "changes", "target" ->
                    control.log(
                            asked.topic(),
                            given(asked.table()),
                            given(asked.key()),
                            SHOWN,
                            lines::add);
            default -> throw new RefusedException("Unknown topic. Use 'changes' or 'target'");
        }
        return new LogLines(asked, targets, path, List.copyOf(lines), lines.size() == SHOWN);
    }

    private static Optional<String> given(String text) {
        return Optional.of(text.strip()).filter(each -> !each.isEmpty());
    }
}
