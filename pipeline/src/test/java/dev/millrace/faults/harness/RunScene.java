package dev.millrace.faults.harness;

import dev.millrace.capture.LoggedBoundary;
import dev.millrace.capture.Watermarks;
import dev.millrace.change.Lsn;
import dev.millrace.change.Topics;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.StoredOffsets;
import dev.millrace.faults.harness.Violation.Kind;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// The databases and topics of one run, its writers, and what is seen of it meanwhile and at its
/// end. The children are the test's. Not thread-safe.
final class RunScene implements AutoCloseable {

    private static final int PARTITIONS = 3;

    /// Smaller than a load of many rows, so that a source transaction is in several batches.
    private static final int ENGINE_BATCH = 64;

    private static final Duration CAUGHT_UP_WITHIN = Duration.ofSeconds(90);
    private static final Duration SAMPLED_EVERY = Duration.ofMillis(500);

    private final TestDatabase source = PostgresServer.shared().newDatabase();
    private final TestDatabase target = PostgresServer.shared().newTarget();
    private final String migration = KafkaServer.newMigrationName();
    private final Map<String, Object> kafka;
    private final Topics topics = new Topics(migration);
    private final Invariants invariants;
    private final Path folder = TestFolders.create("fault-run");
    private final Queue<Violation> violations = new ConcurrentLinkedQueue<>();
    private final CountDownLatch checked = new CountDownLatch(1);
    private final Workload workload;
    private final Thread sampler;
    private int children;
    private volatile long mostRetained;

    /// Creates the tables and starts the writers.
    ///
    /// @param rowsPerSecond limit of the backfill
    RunScene(long seed, int rowsPerSecond) {
        kafka = Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers());
        invariants = new Invariants(source, target, kafka, migration);
        Workload.create(source);
        ComparedTable.ALL.forEach(table -> target.execute(table.create()));
        target.execute(
                "INSERT INTO millrace.backfill_pace (migration, paused_by, pause_reason, rows_per_second)"
                        + " VALUES ('%s', '', '', %d)".formatted(migration, rowsPerSecond));
        invariants.record();
        workload = Workload.start(source, seed);
        sampler = Thread.ofPlatform().name("sampler").start(this::sample);
    }

    /// From the next start of a child.
    void endLimitOfBackfill() {
        target.execute("DELETE FROM millrace.backfill_pace");
    }

    /// @param machine has its own data folder
    /// @param changedClasses entries of the class path before the product's
    MigrationChild start(String machine, @Nullable PointFault fault, List<String> changedClasses)
            throws IOException {
        return MigrationChild.start(
                spec(machine),
                Optional.ofNullable(fault),
                changedClasses,
                folder.resolve("child-" + ++children));
    }

    private Path spec(String machine) throws IOException {
        StringBuilder tables = new StringBuilder();
        ComparedTable.ALL.forEach(table -> tables.append(table.declared()));
        return Files.writeString(
                folder.resolve(machine + ".yaml"),
                """
                migration: %s
                source: {url: "%s", username: %s, password: '%s'}
                target: {url: "%s", username: %s, password: '%s'}
                kafka: {bootstrap-servers: "%s", partitions: %d}
                data-dir: '%s'
                debezium: {max.batch.size: %d}
                tables:
                """
                                .formatted(
                                        migration,
                                        source.url(),
                                        source.username(),
                                        source.password(),
                                        target.url(),
                                        target.username(),
                                        target.password(),
                                        KafkaServer.shared().bootstrapServers(),
                                        PARTITIONS,
                                        folder.resolve(machine),
                                        ENGINE_BATCH)
                        + tables);
    }

    /// Ends every session that the migration has on the databases.
    void endSessions() {
        for (TestDatabase side : List.of(source, target)) {
            side.query(
                    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE"
                            + " application_name LIKE 'millrace "
                            + migration
                            + " %'");
        }
    }

    /// Ends the writers, waits until the target has everything, and checks the invariants.
    void check(MigrationChild child) throws Exception {
        workload.close();
        workload.failures()
                .forEach(each -> violations.add(new Violation(Kind.SOURCE_DISTURBED, each)));
        awaitApplied(child);
        List<Violation> found = invariants.check();
        violations.addAll(found);
        boolean differ = found.stream().map(Violation::kind).anyMatch(Kind::isDifference);
        String verdict = child.reconcile();
        if (verdict.equals("EQUAL") == differ) {
            violations.add(new Violation(Kind.WRONG_VERDICT, verdict));
        }
    }

    /// A child that ended, or a migration that makes no progress.
    void stopped(IllegalStateException reason) {
        violations.add(new Violation(Kind.STOPPED, String.valueOf(reason.getMessage())));
    }

    private void awaitApplied(MigrationChild child) throws SQLException, InterruptedException {
        long deadline = System.nanoTime() + CAUGHT_UP_WITHIN.toNanos();
        awaitInSync(child);
        try (Connection connection = source.session("test");
                Connection control = target.session("test")) {
            StoredOffsets offsets = new StoredOffsets(migration, topics.target());
            int generation = offsets.read(control).generation().orElseThrow();
            WatermarkNumber end = new Watermarks(migration, generation).emit(connection).number();
            while (offsets.read(control)
                    .appliedWatermark()
                    .filter(applied -> applied.compareTo(end) >= 0)
                    .isEmpty()) {
                requireProgress(child, deadline, "has not applied the last watermark");
            }
        }
    }

    void awaitInSync(MigrationChild child) throws InterruptedException {
        long deadline = System.nanoTime() + CAUGHT_UP_WITHIN.toNanos();
        while (!phase().equals("IN_SYNC")) {
            requireNotFailed();
            requireProgress(child, deadline, "is not in sync");
        }
    }

    /// @throws IllegalStateException with the cause if the migration failed for good
    void requireNotFailed() {
        if (phase().equals("FAILED")) {
            throw new IllegalStateException("The migration failed: " + cause());
        }
    }

    private void requireProgress(MigrationChild child, long deadline, String what)
            throws InterruptedException {
        child.requireAlive();
        if (System.nanoTime() > deadline) {
            throw new IllegalStateException(
                    "The child "
                            + what
                            + ", phase "
                            + phase()
                            + ":\n"
                            + child.said()
                            + child.threads());
        }
        pause(Duration.ofMillis(50));
    }

    /// Waits for a time that the seed decides, or that a fault lasts.
    void pause(Duration time) throws InterruptedException {
        checked.await(time.toMillis(), TimeUnit.MILLISECONDS);
    }

    private String phase() {
        return lastOfJournal("phase");
    }

    private String cause() {
        return lastOfJournal("detail ->> 'cause'");
    }

    private String lastOfJournal(String what) {
        return target
                .query(
                        "SELECT "
                                + what
                                + " FROM millrace.journal WHERE event = 'phase' ORDER BY id DESC LIMIT 1")
                .stream()
                .map(row -> String.valueOf(row.getFirst()))
                .findFirst()
                .orElse("");
    }

    /// The slot is read first: whatever the source may forget at that moment is in the log already.
    private void sample() {
        LoggedBoundary log = new LoggedBoundary(kafka, topics);
        try {
            while (!checked.await(SAMPLED_EVERY.toMillis(), TimeUnit.MILLISECONDS)) {
                mostRetained = Math.max(mostRetained, invariants.retainedBytes());
                Optional<Lsn> confirmed = invariants.confirmed();
                Optional<Lsn> logged = confirmed.isPresent() ? log.read() : Optional.empty();
                if (logged.isPresent() && confirmed.get().compareTo(logged.get()) > 0) {
                    violations.add(
                            new Violation(
                                    Kind.ACKNOWLEDGED_TOO_EARLY,
                                    confirmed.get() + ", but the log ends at " + logged.get()));
                }
                violations.addAll(invariants.follow());
            }
        } catch (RuntimeException e) {
            violations.add(new Violation(Kind.STOPPED, "the sampler: " + e));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    List<Violation> violations() {
        return List.copyOf(violations);
    }

    long transactions() {
        return workload.transactions();
    }

    /// Bytes of WAL that the source kept for the migration at most.
    long mostRetained() {
        return mostRetained;
    }

    @Override
    public void close() {
        workload.close();
        checked.countDown();
        try {
            sampler.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        invariants.forget();
    }
}
