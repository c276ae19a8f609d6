package dev.millrace.cli.text;

import dev.millrace.cli.Terminal;
import dev.millrace.control.journal.JournalChain.Finding;
import dev.millrace.journal.JournalPage;
import dev.millrace.journal.JournalPage.Entry;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/// Prints a journal for people or programs, page by page. Not thread-safe.
public final class JournalView {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Terminal terminal;
    private final boolean json;
    private final boolean follow;
    private final List<Entry> collected = new ArrayList<>();
    private JournalPage page = new JournalPage("", List.of(), null);
    private long last;

    /// @param follow the journal has no end: each entry is printed when it arrives
    public JournalView(Terminal terminal, boolean json, boolean follow) {
        this.terminal = terminal;
        this.json = json;
        this.follow = follow;
    }

    /// The number of the last entry; 0 before the first.
    public long last() {
        return last;
    }

    public void show(JournalPage next) {
        page = next;
        for (Entry entry : next.entries()) {
            last = entry.number();
            if (!json) {
                terminal.out().println(line(entry));
            } else if (follow) {
                terminal.out().println(JSON.writeValueAsString(entry));
            } else {
                collected.add(entry);
            }
        }
        terminal.out().flush();
    }

    /// After the last page.
    public void end() {
        if (json) {
            terminal.out()
                    .println(
                            JSON.writeValueAsString(
                                    new JournalPage(page.migration(), collected, page.newest())));
        } else if (page.newest() != null) {
            terminal.out()
                    .println(
                            "Newest entry: %d, hash %s"
                                    .formatted(page.newest().number(), page.newest().hash()));
        }
    }

    private static String line(Entry entry) {
        return "%5d  %s  %s  %s%s%s"
                .formatted(
                        entry.number(),
                        entry.at().truncatedTo(ChronoUnit.SECONDS),
                        entry.who(),
                        entry.event(),
                        entry.what().isEmpty() ? "" : ": " + entry.what(),
                        entry.reason() == null ? "" : " (reason: " + entry.reason() + ")");
    }

    /// Prints the result of a check.
    ///
    /// @param place where the journal was read
    /// @param lost the chain is unbroken, but no entry has the noted hash
    public static void verified(
            Terminal terminal,
            boolean json,
            String migration,
            String place,
            Finding finding,
            boolean lost) {
        if (json) {
            terminal.out()
                    .println(JSON.writeValueAsString(result(migration, place, finding, lost)));
            return;
        }
        terminal.out()
                .println(
                        "Journal of migration %s in %s: ".formatted(migration, place)
                                + text(finding, lost));
    }

    private static String text(Finding finding, boolean lost) {
        return switch (finding) {
            case Finding.Unbroken(long entries, String hash) when lost ->
                    "no entry has the noted hash. The chain of %d entries is unbroken, newest hash %s. The journal was written again, or the hash belongs to another journal. Compare it with the hashes in the service's log."
                            .formatted(entries, hash);
            case Finding.Unbroken(long entries, String hash) ->
                    "unbroken. Entries: %d. Newest hash: %s".formatted(entries, hash);
            case Finding.Broken(long number, var damage, String reason) ->
                    "broken. Entry %d was %s: %s. Find out who can write the schema millrace, and compare the hashes in the service's log."
                            .formatted(number, damage.text(), reason);
            case Finding.Empty() when lost ->
                    "no entry found, so none has the noted hash. The journal was removed, or the hash belongs to another journal. Check that the file names the migration and its data-dir.";
            case Finding.Empty() ->
                    "no entry found. Check that the file names the migration and its data-dir.";
        };
    }

    private static Map<String, @Nullable Object> result(
            String migration, String place, Finding finding, boolean lost) {
        Map<String, @Nullable Object> result = new LinkedHashMap<>();
        result.put("migration", migration);
        result.put("place", place);
        switch (finding) {
            case Finding.Unbroken(long entries, String hash) -> {
                result.put("state", lost ? "lost" : "unbroken");
                result.put("entries", entries);
                result.put("hash", hash);
            }
            case Finding.Broken(long number, var damage, String reason) -> {
                result.put("state", "broken");
                result.put("number", number);
                result.put("damage", damage.text());
                result.put("reason", reason);
            }
            case Finding.Empty() -> result.put("state", lost ? "lost" : "missing");
        }
        return result;
    }
}
