package dev.millrace.journal;

import dev.millrace.control.journal.JournalChain;
import dev.millrace.control.journal.JournalEntry;
import dev.millrace.control.journal.JournalReader;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Database.DatabaseFailure;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Reads the journal of a running migration: for clients on request, and regularly the new entries,
/// whose hashes it writes to the log and keeps for the status. A log that is stored elsewhere then
/// proves later that no entry was changed. Reports an entry that does not follow the one before it.
/// Thread-safe.
public final class JournalWatch {

    /// How often [#read] should be called.
    public static final Duration INTERVAL = Duration.ofSeconds(1);

    private static final Logger LOG = LoggerFactory.getLogger(JournalWatch.class);
    private static final int PAGE = 1_000;

    private final JournalReader reader;
    private volatile JournalPage.@Nullable Newest newest;
    private volatile @Nullable String broken;

    /// @param control the database that contains the control schema
    public JournalWatch(Database control, String migration) {
        this.reader = new JournalReader(control, migration);
    }

    /// Entries with higher numbers.
    ///
    /// @param number 0 for the first entries
    /// @throws DatabaseFailure if the target does not answer
    public JournalPage after(long number, int limit) {
        try {
            Optional<JournalEntry.Head> head = reader.head();
            List<JournalEntry> entries = reader.after(number, limit);
            return JournalPage.of(reader.migration(), entries, head);
        } catch (SQLException e) {
            throw new DatabaseFailure("The journal cannot be read", e);
        }
    }

    /// The newest entry, at most a second or an outage of the target old; `null` before it was read
    /// for the first time.
    public JournalPage.@Nullable Newest newest() {
        return newest;
    }

    /// Why the journal is broken; empty while every entry follows the one before it.
    public Optional<String> broken() {
        return Optional.ofNullable(broken);
    }

    /// Reads and checks what is new; the first time, the whole journal. One thread calls it.
    public void read() throws SQLException {
        JournalPage.Newest known = newest;
        if (known == null) {
            begin();
            return;
        }
        List<JournalEntry> entries = reader.after(known.number(), PAGE);
        if (entries.isEmpty()) {
            Optional<JournalEntry.Head> head = reader.head();
            if (head.isEmpty() || head.get().number() < known.number()) {
                report("entry %d was removed".formatted(known.number()));
            } else if (head.get().number() == known.number()
                    && !head.get().hash().equals(known.hash())) {
                report("entry %d was written again".formatted(known.number()));
            }
        }
        for (JournalEntry entry : entries) {
            if (!entry.follows(
                    reader.migration(), new JournalEntry.Head(known.number(), known.hash()))) {
                report("entry %d does not follow the one before it".formatted(entry.number()));
            }
            known = new JournalPage.Newest(entry.number(), entry.hash());
            show(known, entry.event());
        }
    }

    private void begin() throws SQLException {
        Optional<JournalChain> chain = reader.chain();
        if (chain.map(JournalChain::check).orElse(null)
                instanceof JournalChain.Finding.Broken(long number, var damage, String reason)) {
            report("entry %d was %s: %s".formatted(number, damage.text(), reason));
        }
        chain.flatMap(JournalChain::head)
                .map(JournalPage.Newest::of)
                .ifPresent(head -> show(head, "read"));
    }

    private void report(String reason) {
        if (broken == null) {
            LOG.atError()
                    .addKeyValue("migration", reader.migration())
                    .log("the journal is broken: {}", reason);
            broken =
                    "the journal is broken: %s. Run 'millrace journal verify', and find out who can write the schema millrace"
                            .formatted(reason);
        }
    }

    private void show(JournalPage.Newest entry, String event) {
        LOG.atInfo()
                .addKeyValue("migration", reader.migration())
                .addKeyValue("event", event)
                .addKeyValue("number", entry.number())
                .addKeyValue("hash", entry.hash())
                .log("newest journal entry");
        newest = entry;
    }
}
