package dev.millrace.reconcile;

import static dev.millrace.reconcile.UserMapper.user;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Topics;
import dev.millrace.digest.Chunker;
import dev.millrace.digest.ComparedTable;
import dev.millrace.digest.Sessions;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.grants.Grants.Side;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits.Chunks;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.StartPosition.Servers;
import dev.millrace.reconcile.pass.PassProgress;
import dev.millrace.reconcile.pass.Reconciler;
import dev.millrace.reconcile.touched.TouchedReconciliation;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// `users` on a source, `crm.customer` with the same rows on a target, and a small stream between
/// them. The stream always maps correctly; `mapping` is the mapping of the reconciliation.
final class UsersScene implements AutoCloseable {

    static final int ROWS = 300;
    static final String SPEC_HASH = "cafe";

    final TestDatabase source = PostgresServer.shared().newDatabase();
    final TestDatabase target = PostgresServer.shared().newTarget();
    private final Login sourceReader;
    private final Login targetReader;
    final Topics topics = new Topics(KafkaServer.newMigrationName());
    final TinyReplicationProgress progress;
    Mapping mapping = UserMapper.mapping();
    SensitiveColumns sensitive = SensitiveColumns.NONE;
    ReconcileLimits limits = new ReconcileLimits(3, Duration.ZERO, 200_000, 1_000_000);

    Cancellation cancellation = new Cancellation();

    /// The sessions of the reconciliation on the source.
    Sessions sourceSessions = this::openSource;

    /// How many chunks each pass has planned for a table.
    final List<Integer> planned = new ArrayList<>();

    private final PassProgress counting =
            new PassProgress() {
                @Override
                public Begun begin(Instant now, Servers servers, Collection<Mapping> mappings) {
                    return NONE.begin(now, servers, mappings);
                }

                @Override
                public List<Chunk> chunks(ComparedTable table) {
                    return List.of();
                }

                @Override
                public void planned(ComparedTable table, List<Chunk> chunks) {
                    planned.add(chunks.size());
                }

                @Override
                public void equal(
                        ComparedTable table, List<Chunk> chunks, Optional<StartPosition> start) {}

                @Override
                public void interrupted() {}
            };

    /// Any table is compared in chunks of about this number of rows, two at a time.
    static ReconcileLimits inChunks(long rows, int differences) {
        return inChunks(rows, 2, differences, 50_000);
    }

    static ReconcileLimits inChunks(long rows, int parallel, int differences, int touched) {
        return new ReconcileLimits(
                3,
                Duration.ZERO,
                60,
                1_000_000,
                new Chunks(-1, rows, 1 << 30, parallel, differences, touched));
    }

    /// Lets comparisons read the tables that the test has added.
    void grantAll() {
        GrantedLogins.reader(Side.SOURCE, source, "public.*");
        GrantedLogins.reader(Side.TARGET, target, "crm.*");
    }

    /// A session of comparisons on the source.
    Connection openSource() throws SQLException {
        return sourceReader.session("reconcile");
    }

    /// Changes how much is kept in memory; tables are divided as before.
    void limit(long rows, long bytes) {
        limits =
                new ReconcileLimits(
                        limits.rounds(), limits.visibilityTimeout(), rows, bytes, limits.chunks());
    }

    /// Requires that every pass since the beginning divided its table.
    void requireChunks() {
        assertThat(planned).as("chunks of each pass").isNotEmpty().allMatch(chunks -> chunks > 1);
    }

    /// What all comparisons of the scene have compared.
    final ComparisonProgress counted = new ComparisonProgress();

    UsersScene() {
        source.execute(UserMapper.SOURCE_TABLE);
        target.execute(
                "CREATE SCHEMA crm",
                "CREATE TABLE crm.customer (id int PRIMARY KEY, full_name text, amount numeric)");
        sourceReader = GrantedLogins.reader(Side.SOURCE, source, "public.users");
        targetReader = GrantedLogins.reader(Side.TARGET, target, "crm.customer");
        progress = new TinyReplicationProgress(source, target, topics, mapping);
        fill();
    }

    private void fill() {
        source.execute(
                "INSERT INTO users SELECT i, 'name ' || i, i * 1.50, i % 10 = 0"
                        + " FROM generate_series(1, %d) i".formatted(ROWS));
        target.execute(
                "INSERT INTO crm.customer SELECT i, 'name ' || i, i * 1.50"
                        + " FROM generate_series(%d, 1, -1) i WHERE i %% 10 <> 0".formatted(ROWS));
    }

    /// The statistics decide how many chunks there are.
    void analyze() {
        target.execute("ANALYZE crm.customer");
    }

    ReconciliationReport reconcile() {
        return reconcile(List.of(mapping));
    }

    ReconciliationReport reconcile(List<Mapping> mappings) {
        return new Reconciler(subject(), progress, sources(), limits, InstantSource.system())
                .reconcile(mappings, counting, cancellation);
    }

    /// Compares the table, or what is left of it.
    ReconciliationReport reconcile(PassProgress stored) {
        return new Reconciler(subject(), progress, sources(), limits, InstantSource.system())
                .reconcile(List.of(mapping), stored, cancellation);
    }

    TouchedReconciliation touched() {
        return new TouchedReconciliation(
                subject(), progress, sources(), limits, InstantSource.system());
    }

    private Reconciler.Subject subject() {
        return new Reconciler.Subject(topics.migration(), SPEC_HASH, sensitive);
    }

    private Reconciler.Sources sources() {
        Map<String, Object> kafka =
                Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers());
        return new Reconciler.Sources(chunker(), new ChangeLog(kafka, topics), counted);
    }

    Chunker chunker() {
        return new Chunker(
                topics.migration(),
                topics.target(),
                () -> sourceSessions.open(),
                () -> targetReader.session("reconcile"));
    }

    TableReport table() {
        return reconcile().tables().getFirst();
    }

    void write(int id, String name, String amount) {
        progress.write(
                "UPDATE users SET name = '%s', amount = %s WHERE id = %d"
                        .formatted(name, amount, id),
                user(id, name, amount));
    }

    void writeAndCatchUp(int id, String name) {
        write(id, name, "10.50");
        progress.catchUp();
    }

    /// The kind and key of each mismatch.
    static List<String> keys(TableReport table) {
        return table.mismatches().stream()
                .map(one -> (one.kind() + " " + one.key().get("id")).toLowerCase(Locale.ROOT))
                .toList();
    }

    @Override
    public void close() {
        progress.close();
    }
}
