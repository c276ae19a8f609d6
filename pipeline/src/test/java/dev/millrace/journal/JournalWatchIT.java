package dev.millrace.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.control.JournalStore;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.Database;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.SQLException;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The running service follows the journal and notices when it is broken.
class JournalWatchIT {

    private final TestDatabase target = PostgresServer.shared().newTarget();
    private final Login login = GrantedLogins.target(target);
    private final Database control = login.database("shop");
    private final JournalWatch watch = new JournalWatch(control, "shop");

    @AfterEach
    void closePool() {
        control.close();
    }

    private void write(int entries) throws SQLException {
        for (int i = 0; i < entries; i++) {
            new JournalStore(control, "shop", "ann").event("IN_SYNC", "note", "what " + i, "why");
        }
    }

    private void tamper(String statement) {
        target.execute(
                "ALTER TABLE millrace.journal DISABLE TRIGGER ALL",
                "ALTER TABLE millrace.journal_head DISABLE TRIGGER ALL",
                statement,
                "ALTER TABLE millrace.journal ENABLE TRIGGER ALL",
                "ALTER TABLE millrace.journal_head ENABLE TRIGGER ALL");
    }

    private void assertNewest(long number) {
        JournalPage.Newest newest = Objects.requireNonNull(watch.newest());
        assertThat(newest.number()).isEqualTo(number);
        assertThat(newest.hash())
                .isEqualTo(
                        target.value("SELECT hash FROM millrace.journal WHERE number = " + number));
    }

    @Test
    void theNewestEntryIsTheOneThatWasAddedLast() throws Exception {
        watch.read();
        assertThat(watch.newest()).isNull();
        write(2);
        watch.read();
        assertNewest(2);
        write(3);
        watch.read();

        assertNewest(5);
        assertThat(watch.broken()).isEmpty();
    }

    @Test
    void aPageSaysWhoDidWhatAndWhy() throws Exception {
        write(3);

        JournalPage page = watch.after(1, 1);

        assertThat(page.migration()).isEqualTo("shop");
        assertThat(page.entries())
                .singleElement()
                .satisfies(
                        entry -> {
                            assertThat(entry.number()).isEqualTo(2);
                            assertThat(entry.who()).isEqualTo("ann");
                            assertThat(entry.what()).isEqualTo("what 1");
                            assertThat(entry.reason()).isEqualTo("why");
                        });
        assertThat(Objects.requireNonNull(page.newest()).number()).isEqualTo(3);
    }

    @Test
    void anEntryThatWasChangedBeforeTheStartIsReported() throws Exception {
        write(3);
        tamper("UPDATE millrace.journal SET who = 'bob' WHERE number = 2");

        watch.read();

        assertThat(watch.broken()).hasValueSatisfying(text -> assertThat(text).contains("entry 2"));
        assertNewest(3);
    }

    @Test
    void anEntryThatDoesNotFollowIsReported() throws Exception {
        write(2);
        watch.read();
        tamper("UPDATE millrace.journal_head SET hash = repeat('e', 64)");
        write(1);

        watch.read();

        assertThat(watch.broken()).hasValueSatisfying(text -> assertThat(text).contains("entry 3"));
    }

    @Test
    void theNewestEntryThatWasWrittenAgainIsReported() throws Exception {
        write(2);
        watch.read();
        assertThat(watch.broken()).isEmpty();
        tamper("UPDATE millrace.journal_head SET hash = repeat('e', 64)");

        watch.read();

        assertThat(watch.broken()).hasValueSatisfying(text -> assertThat(text).contains("entry 2"));
    }

    @ParameterizedTest
    @CsvSource({"number > 2, entry 3 was removed", "number = 4, entry 4 was removed"})
    void entriesThatWereRemovedBeforeTheyWereReadAreReported(String removed, String report)
            throws Exception {
        write(2);
        watch.read();
        write(2);
        tamper("DELETE FROM millrace.journal WHERE " + removed);

        watch.read();

        assertThat(watch.broken()).hasValueSatisfying(text -> assertThat(text).contains(report));
    }

    @ParameterizedTest
    @CsvSource({
        "DELETE FROM millrace.journal, entry 1 was removed",
        "DELETE FROM millrace.journal_head, entry 3 was removed",
        "DELETE FROM millrace.journal WHERE number = 3, entry 3 was removed",
        "UPDATE millrace.journal SET number = 0 WHERE number = 1, entry 0 does not follow"
    })
    void aJournalThatWasBrokenBeforeTheStartIsReported(String damage, String report)
            throws Exception {
        write(3);
        tamper(damage);

        watch.read();

        assertThat(watch.broken()).hasValueSatisfying(text -> assertThat(text).contains(report));
    }

    /// More than one page.
    @Test
    void aLongJournalIsReadToItsEnd() throws Exception {
        target.execute(
                "INSERT INTO millrace.journal (migration, who, phase, event) SELECT 'shop', 'ann',"
                        + " 'IN_SYNC', 'note' FROM generate_series(1, 2001)");

        watch.read();

        assertNewest(2001);
        assertThat(watch.broken()).isEmpty();
    }

    @Test
    void theRemovalOfTheNewestEntryIsReported() throws Exception {
        write(2);
        watch.read();
        tamper("UPDATE millrace.journal_head SET number = 1");

        watch.read();

        assertThat(watch.broken()).hasValueSatisfying(text -> assertThat(text).contains("removed"));
    }
}
