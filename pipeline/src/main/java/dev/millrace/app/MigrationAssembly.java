package dev.millrace.app;

import dev.millrace.capture.CapturedTable;
import dev.millrace.kafka.EmbeddedBroker;
import dev.millrace.migration.Migration;
import dev.millrace.postgres.Database;
import dev.millrace.preflight.Preflight;
import dev.millrace.preflight.PreflightReport;
import dev.millrace.preflight.PreflightReport.PlannedTable;
import dev.millrace.retention.LogRetention;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.MigrationSpec.Kafka;
import dev.millrace.spec.SpecResult;
import dev.millrace.stream.Direction;
import dev.millrace.stream.ReplicationStream;
import dev.millrace.stream.ReplicationStream.Settings;
import dev.millrace.stream.ReplicationStream.Side;
import dev.millrace.stream.ReplicationStream.Tables;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Builds a running migration from a checked file: databases, preflight, the embedded broker if no
/// other is configured, and the migration. Closing it drains the migration first, then stops the
/// broker, then closes the databases. Not thread-safe.
public final class MigrationAssembly implements AutoCloseable {

    private final Database source;
    private final Database target;
    private final @Nullable EmbeddedBroker broker;
    private final Migration migration;

    private MigrationAssembly(
            Database source,
            Database target,
            @Nullable EmbeddedBroker broker,
            Migration migration) {
        this.source = source;
        this.target = target;
        this.broker = broker;
        this.migration = migration;
    }

    /// Result of [#open].
    public sealed interface Outcome {

        record Started(MigrationAssembly assembly) implements Outcome {}

        /// Nothing was created. The report names the findings that refuse the start.
        record Refused(PreflightReport report) implements Outcome {}
    }

    /// @param name of the operator for the journal
    /// @throws dev.millrace.migration.RefusedException if the state of an earlier run does not fit
    ///   the file
    /// @throws SQLException if a database stops responding during the start
    public static Outcome open(MigrationSpec spec, String specHash, InstantSource clock, String who)
            throws SQLException, InterruptedException {
        Database source = database(Direction.FORWARD.id(spec.migration()), spec.source());
        Database target = database(Direction.FORWARD.id(spec.migration()), spec.target());
        @Nullable EmbeddedBroker broker = null;
        try {
            PreflightReport report = new Preflight(source, target).run(spec);
            if (!report.accepted()) {
                target.close();
                source.close();
                return new Outcome.Refused(report);
            }
            broker = broker(spec).orElse(null);
            Migration migration =
                    Migration.start(
                            stream(spec, report, source, target, kafka(spec, broker)),
                            new SpecResult.Valid(spec, specHash),
                            who,
                            clock);
            return new Outcome.Started(new MigrationAssembly(source, target, broker, migration));
        } catch (SQLException | RuntimeException e) {
            if (broker != null) {
                broker.close();
            }
            target.close();
            source.close();
            throw e;
        }
    }

    public Migration migration() {
        return migration;
    }

    @Override
    public void close() {
        migration.close();
        if (broker != null) {
            broker.close();
        }
        target.close();
        source.close();
    }

    private static ReplicationStream stream(
            MigrationSpec spec,
            PreflightReport report,
            Database source,
            Database target,
            Map<String, Object> kafka) {
        return new ReplicationStream(
                Direction.FORWARD,
                spec.migration(),
                new Side(spec.source(), source),
                new Side(spec.target(), target),
                new Tables(
                        report.tables().stream().map(PlannedTable::mapping).toList(),
                        captured(report.tables())),
                new Settings(
                        spec.kafka().partitions(),
                        kafka,
                        spec.debezium(),
                        report.replicaRole(),
                        spec.dataDir().resolve(spec.migration()).resolve("state"),
                        LogRetention.Policy.of(spec.kafka().retention()),
                        spec.backfill(),
                        spec.indexes()));
    }

    private static Database database(String stream, Endpoint endpoint) {
        return new Database(
                stream, endpoint.url(), endpoint.username(), endpoint.password().reveal());
    }

    private static Optional<EmbeddedBroker> broker(MigrationSpec spec) {
        return switch (spec.kafka()) {
            case Kafka.Embedded _ ->
                    Optional.of(EmbeddedBroker.start(spec.dataDir().resolve("kafka")));
            case Kafka.External _ -> Optional.empty();
        };
    }

    private static Map<String, Object> kafka(MigrationSpec spec, @Nullable EmbeddedBroker broker) {
        Map<String, Object> kafka = new HashMap<>();
        switch (spec.kafka()) {
            case Kafka.Embedded _ -> {
                if (broker == null) {
                    throw new IllegalStateException("The embedded broker was not started.");
                }
                kafka.putAll(broker.clientSettings());
            }
            case Kafka.External external -> {
                kafka.putAll(external.properties());
                kafka.put("bootstrap.servers", external.bootstrapServers());
            }
        }
        return kafka;
    }

    private static List<CapturedTable> captured(List<PlannedTable> tables) {
        Map<String, CapturedTable> captured = new LinkedHashMap<>();
        for (PlannedTable table : tables) {
            captured.putIfAbsent(
                    table.source().id().toString(),
                    new CapturedTable(table.source(), table.fullIdentity()));
        }
        return List.copyOf(captured.values());
    }
}
