package dev.millrace.console;

import dev.millrace.cli.text.Figures;
import dev.millrace.journal.JournalPage;
import dev.millrace.migration.MigrationControl;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The values of the page *Journal*, the newest first.
///
/// @param older the number that ends the next older part; empty if there is none
/// @param newest the newest entry of the whole journal; `null` before the first
public record Journal(List<Row> rows, Optional<Long> older, JournalPage.@Nullable Newest newest) {

    static final int SHOWN = 100;

    /// @param reason empty if nobody gave one
    public record Row(
            String number,
            String at,
            String who,
            String phase,
            String event,
            String what,
            String reason) {

        private static Row of(JournalPage.Entry entry) {
            String reason = entry.reason();
            return new Row(
                    Figures.count(entry.number()),
                    Figures.second(entry.at().toString()),
                    entry.who(),
                    entry.phase(),
                    entry.event(),
                    entry.what(),
                    reason == null ? "" : reason);
        }
    }

    /// @param before entries with lower numbers; empty for the newest
    static Journal of(MigrationControl control, Optional<Long> before) {
        JournalPage.Newest newest = control.journal(0, 1).newest();
        if (newest == null) {
            return new Journal(List.of(), Optional.empty(), null);
        }
        long last = before.map(each -> Math.min(each - 1, newest.number())).orElse(newest.number());
        long after = Math.max(0, last - SHOWN);
        JournalPage page = control.journal(after, SHOWN);
        return new Journal(
                page.entries().stream()
                        .filter(entry -> entry.number() <= last)
                        .map(Row::of)
                        .toList()
                        .reversed(),
                after == 0 ? Optional.empty() : Optional.of(after + 1),
                newest);
    }
}
