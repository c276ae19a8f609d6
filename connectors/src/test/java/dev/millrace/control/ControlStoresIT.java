package dev.millrace.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.change.TableId;
import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.OwnerStore.Claim;
import dev.millrace.control.OwnerStore.Ownership;
import dev.millrace.control.RebackfillStore.Reached;
import dev.millrace.control.RebackfillStore.StoredRebackfill;
import dev.millrace.control.RebackfillStore.Sweep;
import dev.millrace.control.flow.CommitProbe;
import dev.millrace.control.flow.FlowStore;
import dev.millrace.control.flow.FlowStore.Note;
import dev.millrace.control.flow.FlowStore.Setting;
import dev.millrace.control.repair.RepairStore;
import dev.millrace.control.repair.RepairStore.Asked;
import dev.millrace.control.repair.RepairStore.Count;
import dev.millrace.control.repair.RepairStore.StoredKey;
import dev.millrace.control.repair.RepairStore.StoredRepair;
import dev.millrace.control.stopped.MissedChanges;
import dev.millrace.control.stopped.RejectedChanges;
import dev.millrace.control.stopped.StoppedTables;
import dev.millrace.control.stopped.StoppedTables.StoppedTable;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.Database;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.throttle.Throttle.Limit;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// The journal, the owner's lock and the stopped tables, each over a real control schema.
class ControlStoresIT {

    private static final InstantSource CLOCK =
            InstantSource.fixed(Instant.parse("2026-03-01T10:00:00Z"));
    private static final TableId ITEM = new TableId("public", "item");
    private static final TableId OTHER = new TableId("public", "other");

    private final TestDatabase target = PostgresServer.shared().newTarget();
    private final Login login = GrantedLogins.apply(target);
    private final Database control = login.database("shop");

    @AfterEach
    void closePool() {
        control.close();
    }

    /// The server ends a measurement that waits, so that no session of the probe stays behind.
    @Test
    void aCommitThatWaitsForALockIsMeasuredUntilItsLimit() throws Exception {
        Duration limit = Duration.ofMillis(300);
        try (CommitProbe probe = new CommitProbe(control, "shop", InstantSource.system(), limit);
                Connection holder = login.connect()) {
            assertThat(probe.measure()).isPositive();
            holder.setAutoCommit(false);
            Statements.update(holder, "LOCK TABLE millrace.flow_probe");

            assertThat(probe.measure()).isGreaterThanOrEqualTo(limit);

            assertThat(target.query("SELECT count(*) FROM pg_locks WHERE NOT granted"))
                    .containsExactly(List.of("0"));
            holder.rollback();
            assertThat(probe.measure()).isLessThan(limit);
        }
    }

    @Test
    void aFlowIsKeptAndEachChangeOfItIsJournaled() throws Exception {
        FlowStore store = new FlowStore(control, "shop");
        Setting paused =
                new Setting(
                        Optional.of(new FlowStore.Pause("peak hour", "ann", CLOCK.instant())),
                        Limit.ofRows(500),
                        Optional.of(new FlowStore.Pause("index build", "bob", CLOCK.instant())),
                        new Limit(OptionalLong.of(7), OptionalLong.of(8)),
                        true);
        assertThat(store.read()).isEqualTo(Setting.NONE);

        store.save(paused, new Note("ann", "BACKFILLING", "pause", "paused", "peak hour"));
        assertThat(new FlowStore(control, "shop").read()).isEqualTo(paused);
        assertThat(new FlowStore(control, "another").read()).isEqualTo(Setting.NONE);
        store.save(Setting.NONE, new Note("bob", "BACKFILLING", "resume", "resumed", ""));

        assertThat(store.read()).isEqualTo(Setting.NONE);
        assertThat(
                        target.value(
                                "SELECT string_agg(concat_ws(' ', who, phase, event, detail ->>"
                                        + " 'what', detail ->> 'reason'), ',' ORDER BY number) FROM"
                                        + " millrace.journal"))
                .isEqualTo(
                        "ann BACKFILLING pause paused peak hour,bob BACKFILLING resume resumed ");
    }

    @Test
    void stopCountsOnlyInItsOwnGeneration() throws Exception {
        StoppedTables stopped = new StoppedTables("shop");
        StoredOffsets offsets = new StoredOffsets("shop", "topic");
        try (Connection connection = login.connect()) {
            stopped.add(connection, 1, new StoppedTable(ITEM, "first", 0, 5), "");
            stopped.add(connection, 2, new StoppedTable(OTHER, "second", 0, 7), "");
            stopped.add(connection, 2, new StoppedTable(OTHER, "later", 1, 8), "");
            stopped.add(connection, 3, new StoppedTable(ITEM, "third", 0, 9), "");
            new StoppedTables("another").add(connection, 2, new StoppedTable(ITEM, "", 0, 0), "");
            RejectedChanges rejected = new RejectedChanges();
            rejected.count(OTHER, new Token(2, 7, 0));
            rejected.count(OTHER, new Token(2, 7, 1));
            rejected.store(connection, "shop", at(0));
            rejected.store(connection, "shop", at(1));
            offsets.begin(connection, 2, "id", List.of(0L));
        }

        try (ProgressReader reader = new ProgressReader(control, "shop", "topic", 2);
                Connection connection = login.connect()) {
            ProgressReader.Progress progress = reader.read();
            assertThat(progress.offsets()).isEqualTo(offsets.read(control));
            assertThat(progress.offsets().generation()).hasValue(2);
            assertThat(progress.offsets().appliedWatermark()).contains(WatermarkNumber.none(2));
            assertThat(progress.stopped())
                    .containsExactly(
                            new StoppedTables.Counted(
                                    new StoppedTable(OTHER, "second", 0, 7),
                                    Optional.of(4L),
                                    false,
                                    Optional.empty()));
            assertThat(stopped.find(connection, 2, ITEM)).isEmpty();
            assertThat(stopped.find(connection, 2, OTHER).map(stop -> stop.table().reason()))
                    .contains("second");
            assertThat(stopped.find(connection, 1, ITEM).map(stop -> stop.table().reason()))
                    .contains("first");
        }
    }

    /// A table that continues is stopped only where it still misses changes.
    @Test
    void aTableThatContinuesIsStoppedWhereItMissesChanges() throws Exception {
        StoppedTables stopped = new StoppedTables("shop");
        MissedChanges missed = new MissedChanges("shop");
        try (Connection connection = login.connect()) {
            stopped.add(connection, 2, new StoppedTable(OTHER, "why", 0, 7), "");
            RejectedChanges rejected = new RejectedChanges();
            rejected.count(OTHER, new Token(2, 7, 0));
            rejected.store(connection, "shop", at(0));
            assertThat(stopped.in(connection, 2, 0)).containsExactly(OTHER);
            assertThat(stopped.in(connection, 2, 1)).containsExactly(OTHER);
            assertThat(missed.continuing(connection, 2)).isEmpty();

            stopped.resume(connection, 2, OTHER);
            assertThat(stopped.in(connection, 2, 0)).containsExactly(OTHER);
            assertThat(stopped.in(connection, 2, 1)).isEmpty();
            assertThat(missed.continuing(connection, 2)).containsOnlyKeys(0);

            missed.remove(connection, 2, OTHER, 0);
            stopped.end(connection, 2, OTHER);
            assertThat(stopped.find(connection, 2, OTHER)).isEmpty();
        }
    }

    @Test
    void aReBackfillIsWrittenOnlyByTheOwnerAndOnlyOnce() throws Exception {
        try (OwnerStore owner = granted()) {
            owner.begin();
            RebackfillStore store = new RebackfillStore(control, "shop", owner.epoch());
            store.begin(rebackfill(), "FAILED");
            assertThatThrownBy(() -> store.begin(rebackfill(), "FAILED"))
                    .isInstanceOf(SQLException.class);
            StoredRebackfill begun = store.unfinished().orElseThrow();
            String journal = "SELECT count(*) FROM millrace.journal";
            Object before = target.value(journal);

            RebackfillStore older = new RebackfillStore(control, "shop", owner.epoch() - 1);
            assertThatThrownBy(
                            () ->
                                    older.enter(
                                            begun,
                                            new Reached("done", new Sweep(0, 0, 0), "", true),
                                            "FAILED"))
                    .isInstanceOf(OperationStore.Superseded.class);

            assertThat(store.unfinished()).contains(begun);
            assertThat(target.value(journal)).isEqualTo(before);
        }
    }

    private static RebackfillStore.Beginning rebackfill() {
        return new RebackfillStore.Beginning(
                UUID.randomUUID(), Optional.empty(), 2, "generation", "ann", "", Optional.empty());
    }

    @Test
    void aRepairKeepsItsKeysAndIsWrittenOnlyByTheOwner() throws Exception {
        try (OwnerStore owner = granted()) {
            owner.begin();
            RepairStore store = new RepairStore(control, "shop", owner.epoch());
            begin(store);
            assertThatThrownBy(() -> begin(store)).isInstanceOf(SQLException.class);
            StoredRepair begun = store.unfinished().orElseThrow();
            assertThat(begun.asked()).isEqualTo(REPAIR);
            store.listed(begun, "write", List.of(key(1), key(2), key(3)), 4, "", "IN_SYNC");
            store.listed(begun, "write", List.of(key(1), key(2)), 5, "table x", "IN_SYNC");

            store.written(begun.id(), 1, 1, 1);
            store.compared(begun.id(), 1, 2, List.of(2L));

            StoredRepair listed = store.find(begun.id()).orElseThrow();
            assertThat(listed.leftOut()).isEqualTo(5);
            assertThat(listed.uncompared()).contains("table x");
            assertThat(listed.unreadable()).isEqualTo(1);
            assertThat(store.unwritten(begun.id(), 0, 9))
                    .extracting(StoredKey::number)
                    .containsExactly(2L);
            assertThat(store.keys(begun.id(), 1, 9))
                    .containsExactly(
                            new StoredKey(
                                    2,
                                    0,
                                    "public.t",
                                    "update",
                                    List.of("a", "b"),
                                    Arrays.asList("2", null),
                                    List.of("c"),
                                    false,
                                    true));
            assertThat(store.counts(begun.id()))
                    .containsExactly(new Count("public.t", "update", 2, 1, 1));
            RepairStore older = new RepairStore(control, "shop", owner.epoch() - 1);
            assertThatThrownBy(() -> older.listed(begun, "write", List.of(), 0, "", "IN_SYNC"))
                    .isInstanceOf(OperationStore.Superseded.class);
            assertThat(store.keys(begun.id(), 0, 9)).hasSize(2);
            store.cancel(listed, "bob", "too slow", "IN_SYNC");
            assertThat(store.unfinished().orElseThrow().cancelled()).isTrue();
            store.finish(listed, "done", "undecided", "Cancelled", "IN_SYNC");
            assertThat(store.unfinished()).isEmpty();
        }
    }

    private static final Asked REPAIR =
            new Asked(
                    List.of("public.t"),
                    List.of("update"),
                    OptionalLong.of(9),
                    OptionalLong.empty(),
                    false,
                    "ann",
                    "a bad script");

    private static void begin(RepairStore store) throws SQLException {
        store.begin(UUID.randomUUID(), REPAIR, 2, "hash", "compare", Optional.empty(), "IN_SYNC");
    }

    private static StoredKey key(long number) {
        return new StoredKey(
                number,
                0,
                "public.t",
                "update",
                List.of("a", "b"),
                Arrays.asList(String.valueOf(number), null),
                List.of("c"),
                false,
                false);
    }

    /// Capture pauses a table for a change of its source while it is allowed to continue.
    @Test
    void aTableThatIsPausedForItsSourceDoesNotContinue() throws Exception {
        StoppedTables stopped = new StoppedTables("shop");
        try (Connection connection = login.connect()) {
            stopped.add(connection, 2, new StoppedTable(OTHER, "why", 0, 7), "");
            stopped.pause(control, 2, Map.of(OTHER, "paused"), "column x: integer → bigint");
            stopped.resume(connection, 2, OTHER);
            stopped.end(connection, 2, OTHER);
            assertThat(stopped.find(connection, 2, OTHER))
                    .hasValueSatisfying(
                            stop -> {
                                assertThat(stop.continues()).isFalse();
                                assertThat(stop.table().reason()).isEqualTo("paused");
                            });
        }
    }

    private static StoredOffset at(int partition) {
        return new StoredOffset(partition, "id", 3, new Token(2, 6, 0), WatermarkNumber.none(2), 0);
    }

    @Test
    void journalReturnsTheLatestPhaseWithItsFailure() throws Exception {
        JournalStore journal = new JournalStore(control, "shop", "operator");
        assertThat(journal.latest()).isEmpty();

        journal.enter("PLANNED");
        journal.event("PLANNED", "start", "the service starts", "because");
        new JournalStore(control, "another", "operator").enter("IN_SYNC");

        assertThat(journal.latest())
                .hasValueSatisfying(
                        entry -> {
                            assertThat(entry.phase()).isEqualTo("PLANNED");
                            assertThat(entry.failure()).isEmpty();
                        });

        JournalStore.Failure failure = new JournalStore.Failure("a \"quoted\" cause", "IN_SYNC");
        journal.enterFailed("FAILED", failure);

        assertThat(journal.latest())
                .hasValueSatisfying(
                        entry -> {
                            assertThat(entry.phase()).isEqualTo("FAILED");
                            assertThat(entry.failure()).contains(failure);
                        });
        assertThat(
                        target.value(
                                "SELECT string_agg(who || ' ' || event, ', ' ORDER BY number)"
                                        + " FROM millrace.journal WHERE migration = 'shop'"))
                .isEqualTo("operator phase, operator start, operator phase");
        assertThat(
                        target.value(
                                "SELECT detail->>'what' FROM millrace.journal WHERE event ="
                                        + " 'start'"))
                .isEqualTo("the service starts");
    }

    @Test
    void ownerTakesItsLockAgainAfterItsSessionIsLost() throws Exception {
        try (OwnerStore owner = granted()) {
            owner.begin();
            assertThat(OwnerStore.take(control, "shop", "second", CLOCK))
                    .isInstanceOfSatisfying(
                            Claim.Refused.class,
                            refused ->
                                    assertThat(refused.reason()).contains("'millrace shop owner'"));

            endOwnerSessions();
            assertThat(owner.isConfirmed()).isFalse();
            owner.keep();

            assertThat(owner.isConfirmed()).isTrue();
            assertThat(owner.ownership()).isEqualTo(new Ownership.Held());
        }
        endOwnerSessions();
        granted().close();
    }

    @Test
    void ownerIsSupersededOnlyWhenAnotherProcessRanTheMigration() throws Exception {
        try (OwnerStore owner = granted()) {
            owner.begin();
            endOwnerSessions();
            try (OwnerStore second = granted()) {
                owner.keep();
                assertThat(owner.ownership())
                        .isInstanceOfSatisfying(
                                Ownership.Taken.class,
                                taken -> assertThat(taken.since()).isEqualTo(CLOCK.instant()));
                assertThat(second.isConfirmed()).isTrue();
            }
            endOwnerSessions();
            owner.keep();
            assertThat(owner.ownership()).isEqualTo(new Ownership.Held());

            endOwnerSessions();
            try (OwnerStore second = granted()) {
                second.begin();
            }
            endOwnerSessions();
            owner.keep();
            assertThat(owner.ownership()).isInstanceOf(Ownership.Superseded.class);
            owner.keep();
            assertThat(owner.ownership()).isInstanceOf(Ownership.Superseded.class);
        }
    }

    @Test
    void closedOwnerDoesNotTakeTheLockAgain() throws Exception {
        OwnerStore owner = granted();
        owner.close();
        endOwnerSessions();

        owner.keep();

        granted().close();
    }

    private OwnerStore granted() throws Exception {
        return switch (OwnerStore.take(control, "shop", "first", CLOCK)) {
            case Claim.Granted(OwnerStore owner) -> owner;
            case Claim.Refused(String reason) -> throw new AssertionError(reason);
        };
    }

    /// Returns when the sessions have ended, so their locks are released.
    private void endOwnerSessions() {
        target.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                        + " WHERE datname = current_database()"
                        + " AND application_name = 'millrace shop owner'");
    }
}
