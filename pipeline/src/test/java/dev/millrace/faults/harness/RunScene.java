package dev.millrace.faults.harness;

import dev.millrace.capture.LoggedBoundary;
import dev.millrace.capture.Watermarks;
import dev.millrace.change.Lsn;
import dev.millrace.change.Topics;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.ControlSchema;
import dev.millrace.control.StoredOffsets;
import dev.millrace.faults.harness.Databases.Addresses;
import dev.millrace.faults.harness.Violation.Kind;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.testing.KafkaServer;
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
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.kafka.common.errors.TimeoutException;
import org.jspecify.annotations.Nullable;

/// The databases and topics of one run, its writers, and what is seen of it meanwhile and at its
/// end. The children are the test's. Not thread-safe.
final class RunScene implements AutoCloseable {

    private static final int PARTITIONS = 3;

    /// Smaller than a load of many rows, so that a source transaction is in several batches.
    private static final int ENGINE_BATCH = 64;

    /// Longer than it takes to give up a lost connection and to end what it has locked.
    private static final Duration STUCK_AFTER = Duration.ofMinutes(5);

    /// Also while the writers let the target make progress.
    private static final Duration LONGEST_WAIT = Duration.ofMinutes(10);

    private static final Duration SAMPLED_EVERY = Duration.ofMillis(500);

    private final TestDatabase source;
    private final TestDatabase target;
    private final String migration = KafkaServer.newMigrationName();
    private final Addresses addresses;
    private final Map<String, Object> kafka;
    private final Topics topics = new Topics(migration);
    private final StoredOffsets offsets = new StoredOffsets(migration, topics.target());
    private final Invariants invariants;
    private final Path folder = TestFolders.create("fault-run");
    private final Queue<Violation> violations = new ConcurrentLinkedQueue<>();
    private final CountDownLatch checked = new CountDownLatch(1);
    private final ReentrantLock sampling = new ReentrantLock();
    private final Workload workload;
    private final Thread sampler;
    private int children;
    private String progress = "";
    private long begunAt;
    private long progressedAt;
    private volatile long retained;
    private volatile long mostRetained;

    /// Creates the tables and starts the writers.
    ///
    /// @param rowsPerSecond limit of the backfill
    RunScene(Databases databases, Addresses addresses, long seed, int rowsPerSecond)
            throws IOException, SQLException {
        this.source = databases.source();
        this.target = databases.target();
        this.addresses = addresses;
        kafka = Map.of("bootstrap.servers", addresses.brokers());
        invariants = new Invariants(source, target, kafka, migration);
        Workload.create(source);
        ComparedTable.ALL.forEach(table -> target.execute(table.create()));
        GrantedLogins.granted(spec("granted"), source, target);
        Login login = GrantedLogins.as(loginOn("target"), target);
        ControlSchema.migrate(() -> login.session("control"));
        target.execute(
                "INSERT INTO millrace.flow (migration, paused_by, pause_reason, rows_per_second)"
                        + " VALUES ('%s', '', '', %d)".formatted(migration, rowsPerSecond));
        invariants.record();
        workload = Workload.start(source, seed);
        sampler = Thread.ofPlatform().name("sampler").start(this::sample);
    }

    /// From the next start of a child.
    void endLimitOfBackfill() {
        target.execute("DELETE FROM millrace.flow");
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

    private String loginOn(String side) {
        return side + "_" + migration;
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
                                        addresses.source().url(),
                                        loginOn("source"),
                                        GrantedLogins.PASSWORD,
                                        addresses.target().url(),
                                        loginOn("target"),
                                        GrantedLogins.PASSWORD,
                                        addresses.brokers(),
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

    /// Does something to a server during which the test itself cannot reach it.
    String outage(Callable<String> what) throws InterruptedException {
        sampling.lock();
        try {
            return workload.outage(what);
        } finally {
            sampling.unlock();
        }
    }

    /// Ends the writers and waits until the target has what they wrote.
    void endWriters(MigrationChild child) throws SQLException, InterruptedException {
        workload.close();
        awaitApplied(child);
    }

    /// Changes some rows when the writers have ended.
    void writeOnce() {
        source.execute(
                "UPDATE checking SET version = version + 1",
                "DELETE FROM item WHERE id % 2 = 0",
                "INSERT INTO ledger SELECT 8, g, 'once' FROM generate_series(1, 100) g");
    }

    /// Ends the writers, waits until the target has everything, and checks the invariants.
    void check(MigrationChild child) throws Exception {
        endWriters(child);
        workload.failures()
                .forEach(each -> violations.add(new Violation(Kind.SOURCE_DISTURBED, each)));
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
        awaitInSync(child);
        try (Connection connection = source.session("test");
                Connection control = target.session("test")) {
            int generation = offsets.read(control).generation().orElseThrow();
            WatermarkNumber end = new Watermarks(migration, generation).emit(connection).number();
            beginWait();
            while (offsets.read(control)
                    .appliedWatermark()
                    .filter(applied -> applied.compareTo(end) >= 0)
                    .isEmpty()) {
                requireProgress(child, control, "has not applied the last watermark");
            }
        }
    }

    void awaitInSync(MigrationChild child) throws SQLException, InterruptedException {
        try (Connection control = target.session("test")) {
            beginWait();
            while (!phase().equals("IN_SYNC")) {
                requireNotFailed();
                requireProgress(child, control, "is not in sync");
            }
        }
    }

    /// @throws IllegalStateException with the cause if the migration failed for good
    void requireNotFailed() {
        if (phase().equals("FAILED")) {
            throw new IllegalStateException("The migration failed: " + cause());
        }
    }

    private void beginWait() {
        begunAt = System.nanoTime();
        progressedAt = begunAt;
    }

    /// A slow machine needs longer for a backlog; a migration that is stuck applies nothing.
    private void requireProgress(MigrationChild child, Connection control, String what)
            throws SQLException, InterruptedException {
        child.requireAlive();
        String now = phase() + " " + offsets.read(control).rowsApplied();
        if (!now.equals(progress)) {
            progress = now;
            progressedAt = System.nanoTime();
        }
        if (System.nanoTime() - progressedAt > STUCK_AFTER.toNanos()
                || System.nanoTime() - begunAt > LONGEST_WAIT.toNanos()) {
            throw new IllegalStateException(
                    "The child "
                            + what
                            + " or has made no progress, phase and changes applied "
                            + now
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
                                + " FROM millrace.journal WHERE event = 'phase' ORDER BY number DESC LIMIT 1")
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
                sampling.lock();
                try {
                    sample(log);
                } finally {
                    sampling.unlock();
                }
            }
        } catch (RuntimeException e) {
            violations.add(new Violation(Kind.STOPPED, "the sampler: " + e));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    private void sample(LoggedBoundary log) {
        retained = invariants.retainedBytes();
        mostRetained = Math.max(mostRetained, retained);
        Optional<Lsn> confirmed = invariants.confirmed();
        Optional<Lsn> logged = confirmed.isPresent() ? readUnlessCut(log) : Optional.empty();
        if (logged.isPresent() && confirmed.get().compareTo(logged.get()) > 0) {
            violations.add(
                    new Violation(
                            Kind.ACKNOWLEDGED_TOO_EARLY,
                            confirmed.get() + ", but the log ends at " + logged.get()));
        }
        violations.addAll(invariants.follow());
    }

    private Optional<Lsn> readUnlessCut(LoggedBoundary log) {
        try {
            return log.read();
        } catch (TimeoutException e) {
            if (addresses.faulty()) {
                return Optional.empty();
            }
            throw e;
        }
    }

    List<Violation> violations() {
        return List.copyOf(violations);
    }

    long transactions() {
        return workload.transactions();
    }

    /// Bytes of WAL that the source keeps for the migration.
    long retained() {
        return retained;
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
