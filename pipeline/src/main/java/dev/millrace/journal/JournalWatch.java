package dev.millrace.journal;

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

    /// Reads and checks what is new, page by page; the first time, the whole journal. One thread
    /// calls it.
    public void read() throws SQLException {
        JournalPage.Newest known = newest;
        JournalEntry.Head read =
                known == null
                        ? new JournalEntry.Head(0, JournalEntry.NONE)
                        : new JournalEntry.Head(known.number(), known.hash());
        long after = known == null ? Long.MIN_VALUE : known.number();
        // Before the entries: each one up to this head must be found, or it was removed.
        Optional<JournalEntry.Head> before = reader.head();
        List<JournalEntry> page;
        boolean isNew = false;
        do {
            page = reader.after(after, PAGE);
            for (JournalEntry entry : page) {
                if (!entry.follows(reader.migration(), read)) {
                    report("entry %d does not follow the one before it".formatted(entry.number()));
                }
                read = new JournalEntry.Head(entry.number(), entry.hash());
                after = entry.number();
                isNew = true;
                if (known != null) {
                    show(JournalPage.Newest.of(read), entry.event());
                }
            }
        } while (page.size() == PAGE);
        check(read, before, isNew ? reader.head() : before);
        if (known == null && isNew) {
            show(JournalPage.Newest.of(read), "read");
        }
    }

    /// @param read the last entry; number 0 before the first
    /// @param before the head before the entries were read
    /// @param after the head when they had been read
    private void check(
            JournalEntry.Head read,
            Optional<JournalEntry.Head> before,
            Optional<JournalEntry.Head> after) {
        long least = before.map(JournalEntry.Head::number).orElse(0L);
        long most = after.map(JournalEntry.Head::number).orElse(0L);
        if (read.number() < least) {
            report("entry %d was removed".formatted(read.number() + 1));
        } else if (read.number() > most) {
            report(
                    "entry %d was removed, or the record of the newest entry was changed"
                            .formatted(read.number()));
        } else if (read.number() == most
                && after.isPresent()
                && !after.get().hash().equals(read.hash())) {
            report("entry %d was written again".formatted(read.number()));
        }
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
