package dev.millrace.reconcile;

import static dev.millrace.reconcile.UserMapper.user;

import dev.millrace.change.Topics;
import dev.millrace.digest.Chunker;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.mapping.Mapping;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits.Chunks;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.pass.PassProgress;
import dev.millrace.reconcile.pass.Reconciler;
import dev.millrace.reconcile.touched.TouchedReconciliation;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// `users` on a source, `crm.customer` with the same rows on a target, and a small stream between
/// them. The stream always maps correctly; `mapping` is the mapping of the reconciliation.
final class UsersScene implements AutoCloseable {

    static final int ROWS = 300;
    static final String SPEC_HASH = "cafe";

    final TestDatabase source = PostgresServer.shared().newDatabase();
    final TestDatabase target = PostgresServer.shared().newTarget();
    final Topics topics = new Topics(KafkaServer.newMigrationName());
    final TinyReplicationProgress progress;
    Mapping mapping = UserMapper.mapping();
    SensitiveColumns sensitive = SensitiveColumns.NONE;
    ReconcileLimits limits = new ReconcileLimits(3, Duration.ZERO, 200_000, 1_000_000);

    /// Any table is compared in chunks of about this number of rows, two at a time.
    static ReconcileLimits inChunks(long rows, int differences) {
        return new ReconcileLimits(
                3, Duration.ZERO, 60, 1_000_000, new Chunks(-1, rows, 1 << 30, 2, differences));
    }

    Cancellation cancellation = new Cancellation();

    UsersScene() {
        source.execute(UserMapper.SOURCE_TABLE);
        target.execute(
                "CREATE SCHEMA crm",
                "CREATE TABLE crm.customer (id int PRIMARY KEY, full_name text, amount numeric)");
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
                .reconcile(mappings, cancellation);
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

    Chunker chunker() {
        return new Chunker(
                topics.migration(),
                topics.target(),
                () -> source.session("reconcile"),
                () -> target.session("reconcile"));
    }

    private Reconciler.Sources sources() {
        Map<String, Object> kafka =
                Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers());
        return new Reconciler.Sources(chunker(), new ChangeLog(kafka, topics));
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
