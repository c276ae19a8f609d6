package dev.millrace.console;

import dev.millrace.migration.MigrationControl;
import dev.millrace.replication.RefusedException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The values of the page *Log*: records of a topic, the oldest first.
///
/// @param topic `changes` or `target`; empty if nothing was asked yet
/// @param table as the person wrote it; empty for all
/// @param key as the person wrote it; empty for all
/// @param more there may be more records than are shown
public record LogLines(String topic, String table, String key, List<String> lines, boolean more) {

    private static final int SHOWN = 100;

    static LogLines of(MigrationControl control, String topic, String table, String key) {
        List<String> lines = new ArrayList<>();
        switch (topic) {
            case "" -> {}
            case "changes", "target" ->
                    control.log(topic, given(table), given(key), SHOWN, lines::add);
            default -> throw new RefusedException("Unknown topic. Use 'changes' or 'target'");
        }
        return new LogLines(topic, table, key, List.copyOf(lines), lines.size() == SHOWN);
    }

    private static Optional<String> given(String text) {
        return Optional.of(text.strip()).filter(each -> !each.isEmpty());
    }
}
