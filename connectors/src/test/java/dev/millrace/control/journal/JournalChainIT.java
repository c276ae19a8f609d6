package dev.millrace.control.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.control.ControlRows;
import dev.millrace.control.ControlRows.Removal;
import dev.millrace.control.DroppedDefinitions;
import dev.millrace.control.JournalStore;
import dev.millrace.control.OperationStore;
import dev.millrace.control.OwnerStore;
import dev.millrace.control.RebackfillStore;
import dev.millrace.control.flow.FlowStore;
import dev.millrace.control.journal.JournalChain.Damage;
import dev.millrace.control.journal.JournalChain.Finding;
import dev.millrace.control.repair.RepairStore;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.Database;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.throttle.Throttle.Limit;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The journal in a real control schema: its entries form a chain whoever writes them, nothing but
/// new entries is accepted, and what an owner does to it nevertheless is found.
class JournalChainIT {

    private static final InstantSource CLOCK =
            InstantSource.fixed(Instant.parse("2026-03-01T10:00:00Z"));
    private static final String MIGRATION = "shop";
    private static final int WRITERS = 8;
    private static final int ENTRIES = 25;

    private final TestDatabase target = PostgresServer.shared().newTarget();
    private final Login login = GrantedLogins.apply(target);
    private final Database control = login.database(MIGRATION);

    @AfterEach
    void closePool() {
        control.close();
    }

    private Finding check() throws SQLException {
        return new JournalReader(control, MIGRATION).chain().orElseThrow().check();
    }

    private void write(int entries) throws SQLException {
        JournalStore journal = new JournalStore(control, MIGRATION, "ann");
        for (int i = 0; i < entries; i++) {
            journal.event("IN_SYNC", "note", "entry " + i, "why " + i);
        }
    }

    /// As an owner can.
    private void tamper(String... statements) {
        target.execute(
                "ALTER TABLE millrace.journal DISABLE TRIGGER ALL",
                "ALTER TABLE millrace.journal_head DISABLE TRIGGER ALL");
        target.execute(statements);
        target.execute(
                "ALTER TABLE millrace.journal ENABLE TRIGGER ALL",
                "ALTER TABLE millrace.journal_head ENABLE TRIGGER ALL");
    }

    @Test
    void theEntriesOfEveryWriterFormOneChain() throws Exception {
        JournalStore journal = new JournalStore(control, MIGRATION, "änne \"\\ 😀");
        journal.enter("PLANNED");
        journal.enterFailed("FAILED", new JournalStore.Failure("a \"quoted\"\tcause ü", "IN_SYNC"));
        journal.event("FAILED", "start", "1.50 of 1e3", "");
        new FlowStore(control, MIGRATION)
                .save(
                        FlowStore.Setting.NONE.limited(Limit.ofRows(5), Limit.NONE),
                        new FlowStore.Note("ann", "BACKFILLING", "throttle", "5 rows/s", "peak"));
        try (Connection connection = login.connect()) {
            new DroppedDefinitions(MIGRATION)
                    .note(connection, "BACKFILLING", "drop-indexes", "an index");
        }
        try (OwnerStore owner = owner()) {
            owner.begin();
            new OperationStore(control, MIGRATION, owner.epoch())
                    .begin(
                            new OperationStore.Beginning(
                                    UUID.randomUUID(),
                                    "switchover",
                                    "running",
                                    "ann",
                                    "now",
                                    Optional.empty(),
                                    "[]"),
                            "IN_SYNC");
            new RebackfillStore(control, MIGRATION, owner.epoch())
                    .begin(
                            new RebackfillStore.Beginning(
                                    UUID.randomUUID(),
                                    Optional.empty(),
                                    1,
                                    "read",
                                    "ann",
                                    "lost",
                                    Optional.empty()),
                            "IN_SYNC");
            new RepairStore(control, MIGRATION, owner.epoch())
                    .begin(
                            UUID.randomUUID(),
                            new RepairStore.Asked(
                                    List.of(),
                                    List.of(),
                                    OptionalLong.empty(),
                                    OptionalLong.empty(),
                                    false,
                                    "ann",
                                    "differs"),
                            1,
                            "hash",
                            "list",
                            Optional.empty(),
                            "IN_SYNC");
        }
        new JournalStore(control, "another", "bob").enter("IN_SYNC");

        assertThat(check())
                .isInstanceOfSatisfying(
                        Finding.Unbroken.class,
                        unbroken -> assertThat(unbroken.entries()).isEqualTo(8));
    }

    private OwnerStore owner() throws SQLException {
        return switch (OwnerStore.take(control, MIGRATION, "ann", CLOCK)) {
            case OwnerStore.Claim.Granted(OwnerStore owner) -> owner;
            case OwnerStore.Claim.Refused(String reason) -> throw new AssertionError(reason);
        };
    }

    @Test
    void concurrentWritersOfAMigrationFormOneChainInTheOrderOfTheirTimes() throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(WRITERS)) {
            List<Callable<Void>> writers = new ArrayList<>();
            for (int i = 0; i < WRITERS; i++) {
                writers.add(
                        () -> {
                            write(ENTRIES);
                            return null;
                        });
            }
            for (Future<Void> writer : threads.invokeAll(writers)) {
                writer.get();
            }
        }

        assertThat(check())
                .isInstanceOfSatisfying(
                        Finding.Unbroken.class,
                        unbroken -> assertThat(unbroken.entries()).isEqualTo(WRITERS * ENTRIES));
        List<JournalEntry> entries =
                new JournalReader(control, MIGRATION).after(0, Integer.MAX_VALUE);
        assertThat(entries)
                .extracting(JournalEntry::number)
                .containsExactlyElementsOf(
                        LongStream.rangeClosed(1, WRITERS * ENTRIES).boxed().toList());
        assertThat(entries).extracting(JournalEntry::at).isSorted();
    }

    @Test
    void aTransactionThatIsRolledBackLeavesNoGap() throws Exception {
        write(2);
        try (Connection connection = login.connect()) {
            connection.setAutoCommit(false);
            new DroppedDefinitions(MIGRATION).note(connection, "p", "e", "w");
            connection.rollback();
        }
        write(1);

        assertThat(check())
                .isInstanceOfSatisfying(
                        Finding.Unbroken.class,
                        unbroken -> assertThat(unbroken.entries()).isEqualTo(3));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "UPDATE millrace.journal SET who = 'bob' WHERE number = 1",
                "UPDATE millrace.journal SET who = 'bob' WHERE false",
                "DELETE FROM millrace.journal",
                "TRUNCATE millrace.journal",
                "UPDATE millrace.journal_head SET number = 0",
                "UPDATE millrace.journal_head SET number = 0, closed = true",
                "INSERT INTO millrace.journal_head VALUES ('new', 0, '')",
                "DELETE FROM millrace.journal_head",
                "TRUNCATE millrace.journal_head",
            })
    void onlyNewEntriesAreAcceptedAlsoFromTheOwner(String statement) throws Exception {
        write(2);

        for (String role : List.of("origin", "replica")) {
            assertThatThrownBy(
                            () ->
                                    target.execute(
                                            "SET session_replication_role = " + role, statement))
                    .rootCause()
                    .hasMessageContaining("entries are only added to the journal");
        }
        assertThat(check()).isInstanceOf(Finding.Unbroken.class);
    }

    @Test
    void anEntryOfASessionInTheReplicaRoleIsChained() throws Exception {
        write(1);
        target.execute(
                "SET session_replication_role = replica",
                "INSERT INTO millrace.journal (migration, who, phase, event) VALUES ('shop', 'w', 'p', 'e')");

        assertThat(check())
                .isInstanceOfSatisfying(
                        Finding.Unbroken.class,
                        unbroken -> assertThat(unbroken.entries()).isEqualTo(2));
    }

    @Test
    void aWriterCannotChooseNumberAndHash() throws Exception {
        write(1);
        target.execute(
                "INSERT INTO millrace.journal (migration, number, who, phase, event, previous, hash) VALUES ('shop', 9, 'w', 'p', 'e', 'x', 'y')");

        assertThat(check()).isInstanceOf(Finding.Unbroken.class);
    }

    @Test
    void aChangeThatBypassesTheTriggersIsFound() throws Exception {
        write(5);
        tamper("UPDATE millrace.journal SET who = 'bob' WHERE number = 3");

        assertBroken(3, Damage.CHANGED);
    }

    @Test
    void aRemovalThatBypassesTheTriggersIsFound() throws Exception {
        write(5);
        tamper("DELETE FROM millrace.journal WHERE number = 2");

        assertBroken(2, Damage.REMOVED);
    }

    @Test
    void theRemovalOfTheNewestEntriesIsFoundAlsoAfterTheNextEntry() throws Exception {
        write(5);
        tamper("DELETE FROM millrace.journal WHERE number > 3");
        assertBroken(4, Damage.REMOVED);
        write(1);

        assertBroken(4, Damage.REMOVED);
    }

    @Test
    void anEntryInsertedWithoutTheTriggersIsFound() throws Exception {
        write(5);
        tamper(
                "INSERT INTO millrace.journal SELECT migration, 6, at, 'bob', phase, event, detail, hash, previous FROM millrace.journal WHERE number = 5");

        assertThat(check()).isInstanceOf(Finding.Broken.class);
    }

    private void assertBroken(long number, Damage damage) throws SQLException {
        assertThat(check())
                .isInstanceOfSatisfying(
                        Finding.Broken.class,
                        broken -> {
                            assertThat(broken.number()).isEqualTo(number);
                            assertThat(broken.damage()).isEqualTo(damage);
                        });
    }

    @Test
    void theEndOfAMigrationRemovesItsJournalAndNoOther() throws Exception {
        write(3);
        new JournalStore(control, "another", "bob").enter("IN_SYNC");

        assertThat(new ControlRows(control, List.of("another")).remove(_ -> {}))
                .isInstanceOf(Removal.SchemaStays.class);
        assertThat(target.value("SELECT count(*) FROM millrace.journal_head")).isEqualTo("1");
        assertThat(check()).isInstanceOf(Finding.Unbroken.class);
        assertThat(new ControlRows(control, List.of(MIGRATION)).remove(_ -> {}))
                .isInstanceOf(Removal.Gone.class);
        assertThat(new JournalReader(control, MIGRATION).chain()).isEmpty();
    }

    @Test
    void aClosedJournalAcceptsNoEntry() throws Exception {
        write(1);
        target.execute("UPDATE millrace.journal_head SET closed = true");

        assertThatThrownBy(() -> write(1)).hasMessageContaining("is closed");
    }
}
