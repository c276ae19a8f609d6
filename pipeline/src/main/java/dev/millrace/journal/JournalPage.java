package dev.millrace.journal;

import dev.millrace.control.journal.JournalEntry;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Some entries of a journal, as `journal -o json` prints them. Fields may be added; none is
/// removed or renamed. Immutable.
///
/// @param entries in their order
/// @param newest the newest entry of the whole journal; `null` before the first
public record JournalPage(String migration, List<Entry> entries, @Nullable Newest newest) {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    public JournalPage {
        entries = List.copyOf(entries);
    }

    /// The newest entry. Its hash depends on all entries: if it is noted elsewhere, nobody can
    /// change any of them unnoticed.
    public record Newest(long number, String hash) {

        static Newest of(JournalEntry.Head head) {
            return new Newest(head.number(), head.hash());
        }
    }

    /// @param number the place in the journal, from 1
    /// @param who the operator or the service
    /// @param phase of the migration
    /// @param event for example `phase`, `pause` or `switchover`
    /// @param what was done or has happened
    /// @param reason why; `null` if nobody gave one
    /// @param detail what the entry contains about its event
    /// @param previous the hash of the entry before
    public record Entry(
            long number,
            Instant at,
            String who,
            String phase,
            String event,
            String what,
            @Nullable String reason,
            JsonNode detail,
            String previous,
            String hash) {

        static Entry of(JournalEntry entry) {
            JsonNode detail = JSON.readTree(entry.detail());
            return new Entry(
                    entry.number(),
                    entry.at(),
                    entry.who(),
                    entry.phase(),
                    entry.event(),
                    what(entry, detail),
                    text(detail, "reason").orElse(null),
                    detail,
                    entry.previous(),
                    entry.hash());
        }

        private static String what(JournalEntry entry, JsonNode detail) {
            if (entry.event().equals("phase")) {
                return text(detail, "cause")
                        .map(
                                cause ->
                                        "failed in phase %s: %s"
                                                .formatted(text(detail, "from").orElse("?"), cause))
                        .orElse("the phase is " + entry.phase());
            }
            String step =
                    Stream.of("step", "state")
                            .flatMap(name -> text(detail, name).stream())
                            .collect(Collectors.joining(" "));
            return Stream.of(step, text(detail, "what").orElse(""))
                    .filter(part -> !part.isEmpty())
                    .collect(Collectors.joining(": "));
        }

        private static Optional<String> text(JsonNode detail, String name) {
            return Optional.of(detail.path(name).asString("")).filter(text -> !text.isEmpty());
        }
    }

    /// @param head the newest entry of the whole journal
    public static JournalPage of(
            String migration, List<JournalEntry> entries, Optional<JournalEntry.Head> head) {
        return new JournalPage(
                migration,
                entries.stream().map(Entry::of).toList(),
                head.map(Newest::of).orElse(null));
    }
}
