package dev.millrace.ending;

import dev.millrace.control.journal.JournalChain;
import dev.millrace.control.journal.JournalEntry;
import dev.millrace.control.journal.JournalReader;
import dev.millrace.postgres.Database;
import dev.millrace.spec.MigrationSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/// The whole journal of a migration from where it is kept: the control schema of the target, and
/// the archive once the migration has ended. Immutable.
///
/// @param place for messages
public record StoredJournal(String place, JournalChain chain) {

    /// Reads the journal without the service.
    ///
    /// @return empty if there is neither an archive nor a control schema
    /// @throws IOException if the archive cannot be read
    /// @throws SQLException if the target does not answer
    public static Optional<StoredJournal> find(MigrationSpec spec)
            throws IOException, SQLException {
        Path file = Premises.archive(spec.dataDir(), spec.migration());
        Optional<Archive> archive = Archive.read(file);
        if (archive.isPresent()) {
            return Optional.of(new StoredJournal("the archive " + file, of(archive.get())));
        }
        MigrationSpec.Endpoint target = spec.target();
        try (Database database =
                new Database(
                        spec.migration(),
                        target.url(),
                        target.username(),
                        target.password()::reveal)) {
            return new JournalReader(database, spec.migration())
                    .chain()
                    .map(chain -> new StoredJournal("the schema millrace of the target", chain));
        }
    }

    static JournalChain of(Archive archive) {
        JsonNode target = archive.evidence().path("target");
        return new JournalChain(
                archive.migration(),
                target.path("journal")
                        .valueStream()
                        .filter(entry -> isOf(archive, entry))
                        .map(StoredJournal::entry)
                        .toList(),
                target.path("journalHeads")
                        .valueStream()
                        .filter(head -> isOf(archive, head))
                        .map(
                                head ->
                                        new JournalEntry.Head(
                                                head.path("number").asLong(0), text(head, "hash")))
                        .findFirst());
    }

    private static boolean isOf(Archive archive, JsonNode row) {
        return text(row, "migration").equals(archive.migration());
    }

    private static JournalEntry entry(JsonNode row) {
        return new JournalEntry(
                row.path("number").asLong(0),
                OffsetDateTime.parse(text(row, "at")).toInstant(),
                text(row, "who"),
                text(row, "phase"),
                text(row, "event"),
                text(row, "detail"),
                text(row, "previous"),
                text(row, "hash"));
    }

    private static String text(JsonNode row, String field) {
        return row.path(field).asString("");
    }
}
