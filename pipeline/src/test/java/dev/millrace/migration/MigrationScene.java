package dev.millrace.migration;

import dev.millrace.change.TableId;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Session;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.select.Mapping;
import dev.millrace.select.Relation;
import dev.millrace.source.CaptureSettings;
import dev.millrace.source.CapturedTable;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.MigrationSpec.Kafka;
import dev.millrace.spec.Secret;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/// Two databases, a broker and one migration that copies tables, started and ended at will.
final class MigrationScene implements AutoCloseable {

    final TestDatabase source = PostgresServer.shared().newDatabase();
    final TestDatabase target = PostgresServer.shared().newDatabase();
    final String name = KafkaServer.shared().newMigrationName();
    private final Map<String, Object> kafka =
            Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers());
    private final Path dataDir;
    private final List<TableId> tables = new ArrayList<>();
    private final Database sourceDatabase;
    private final Database targetDatabase;
    private @Nullable Migration migration;

    MigrationScene() throws IOException {
        dataDir = Files.createTempDirectory("millrace-scene");
        sourceDatabase = new Database(name, source.url(), source.username(), source.password());
        targetDatabase = new Database(name, target.url(), target.username(), target.password());
    }

    /// Makes the table on both sides.
    MigrationScene table(String table, String ddl) {
        source.execute("CREATE TABLE " + table + " (" + ddl + ")");
        target.execute("CREATE TABLE " + table + " (" + ddl + ")");
        tables.add(new TableId("public", table));
        return this;
    }

    Migration start() throws SQLException {
        Migration started = startAnother();
        migration = started;
        return started;
    }

    Migration startAnother() throws SQLException {
        List<Mapping> mappings = new ArrayList<>();
        List<CapturedTable> captured = new ArrayList<>();
        try (Session session = sourceDatabase.session()) {
            for (TableId table : tables) {
                Relation relation = session.sourceCatalog().relation(table).orElseThrow();
                mappings.add(CopyMapping.of(relation, table));
                captured.add(new CapturedTable(relation, false));
            }
        }
        return Migration.start(
                new MigrationSetup(
                        spec(),
                        "hash",
                        mappings,
                        captured,
                        sourceDatabase,
                        targetDatabase,
                        kafka,
                        dataDir,
                        InstantSource.system(),
                        "test"));
    }

    private MigrationSpec spec() {
        return new MigrationSpec(
                name,
                new Endpoint(source.url(), source.username(), Secret.of(source.password())),
                new Endpoint(target.url(), target.username(), Secret.of(target.password())),
                new Kafka.Embedded(3),
                dataDir,
                List.of(),
                Map.of());
    }

    void awaitPhase(String phase) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(90))
                .pollInterval(Duration.ofMillis(100))
                .untilAsserted(
                        () ->
                                org.assertj.core.api.Assertions.assertThat(
                                                running().status().phase())
                                        .as(() -> running().status().toString())
                                        .isEqualTo(phase));
    }

    ReconciliationReport reconcile() {
        UUID id = running().reconcile(List.of());
        Awaitility.await()
                .atMost(Duration.ofSeconds(120))
                .until(
                        () ->
                                switch (running().reconciliation(id).orElseThrow()) {
                                    case ReconciliationState.Finished _ -> true;
                                    case ReconciliationState.Failed(String reason) ->
                                            throw new IllegalStateException(reason);
                                    case ReconciliationState.Waiting _,
                                            ReconciliationState.Running _ ->
                                            false;
                                });
        return ((ReconciliationState.Finished) running().reconciliation(id).orElseThrow()).report();
    }

    Migration running() {
        if (migration == null) {
            throw new IllegalStateException("not started");
        }
        return migration;
    }

    void stop() throws InterruptedException {
        running().close();
        migration = null;
    }

    @Override
    public void close() throws Exception {
        if (migration != null) {
            stop();
        }
        sourceDatabase.close();
        targetDatabase.close();
        source.query(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active AND slot_name = '"
                        + CaptureSettings.slot(name)
                        + "'");
    }
}
