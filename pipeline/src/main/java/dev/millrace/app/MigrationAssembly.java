package dev.millrace.app;

import dev.millrace.apply.refusal.RejectedLimit;
import dev.millrace.apply.sql.TableRule;
import dev.millrace.approval.Approvals;
import dev.millrace.backfill.Backfill.ExistingRows;
import dev.millrace.capture.CapturedTable;
import dev.millrace.control.approval.ApprovalStore;
import dev.millrace.ending.EndingStep;
import dev.millrace.ending.MigrationLife;
import dev.millrace.ending.MigrationLife.Plan;
import dev.millrace.ending.Premises;
import dev.millrace.http.MigrationDefinition;
import dev.millrace.http.MigrationDefinition.TableDefinition;
import dev.millrace.migration.Migration;
import dev.millrace.migration.StartOptions;
import dev.millrace.preflight.Preflight;
import dev.millrace.preflight.PreflightReport;
import dev.millrace.preflight.PreflightReport.PlannedTable;
import dev.millrace.preview.RowPreview;
import dev.millrace.preview.SourcePreview;
import dev.millrace.reconcile.SensitiveColumns;
import dev.millrace.replication.RefusedException;
import dev.millrace.retention.LogRetention;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.MigrationSpec.IndexSetting;
import dev.millrace.spec.SpecResult;
import dev.millrace.spec.source.SchemaChange;
import dev.millrace.stream.Direction;
import dev.millrace.stream.ReplicationStream;
import dev.millrace.stream.ReplicationStream.Settings;
import dev.millrace.stream.ReplicationStream.Side;
import dev.millrace.stream.ReplicationStream.Tables;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Builds a running migration from a checked file: databases, preflight, the embedded broker if no
/// other is configured, and the migration. Closing it drains the migration first, then stops the
/// broker, then closes the databases. Not thread-safe.
public final class MigrationAssembly implements AutoCloseable {

    /// The checks that say what comes back from the target.
    private static final Set<String> WAY_BACK = Set.of("mapping.inverse", "switchover.way-back");

    private final Databases databases;
    private final SpecifiedLog broker;
    private final MigrationLife migration;
    private final List<TableDefinition> tables;
    private final Approvals approvals;
    private final RowPreview preview;

    private MigrationAssembly(
            Databases databases,
            SpecifiedLog broker,
            MigrationLife migration,
            List<TableDefinition> tables,
            Approvals approvals,
            RowPreview preview) {
        this.databases = databases;
        this.broker = broker;
        this.migration = migration;
        this.tables = tables;
        this.approvals = approvals;
        this.preview = preview;
    }

    /// Both databases as both streams use them: the sessions of each stream have its name.
    private record Databases(MigrationSpec spec, Pair forward, Pair reverse)
            implements AutoCloseable {

        /// The databases under the names of one stream.
        private record Pair(Side source, Side target) {}

        static Databases of(MigrationSpec spec) {
            return new Databases(
                    spec, pair(Direction.FORWARD, spec), pair(Direction.REVERSE, spec));
        }

        private static Pair pair(Direction direction, MigrationSpec spec) {
            String stream = direction.id(spec.migration());
            return new Pair(Side.of(stream, spec.source()), Side.of(stream, spec.target()));
        }

        @Override
        public void close() {
            reverse.target().close();
            reverse.source().close();
            forward.target().close();
            forward.source().close();
        }
    }

    /// Result of [#open].
    public sealed interface Outcome {

        record Started(MigrationAssembly assembly) implements Outcome {}

        /// Nothing was created. The report names the findings that refuse the start.
        record Refused(PreflightReport report) implements Outcome {}
    }

    /// @param name of the operator for the journal
    /// @throws dev.millrace.replication.RefusedException if the state of an earlier run does not
    ///   fit the file
    /// @throws SQLException if a database stops responding during the start
    public static Outcome open(
            MigrationSpec spec,
            String specHash,
            InstantSource clock,
            String who,
            StartOptions options)
            throws SQLException, InterruptedException {
        if (options.paused() && spec.backfill() == Backfill.ENGINE) {
            throw new RefusedException(
                    "'run --paused' is not possible with 'backfill: engine', which reads all existing rows as soon as the stream starts. Nothing was created. Start without --paused, or set 'backfill: windows'");
        }
        Databases databases = Databases.of(spec);
        SpecifiedLog broker = new SpecifiedLog(spec);
        try {
            Premises premises = premises(databases, broker);
            MigrationLife.Settings settings =
                    new MigrationLife.Settings(who, clock, EndingStep.Trace.NONE);
            ApprovalStore stored = new ApprovalStore(premises.target(), premises.migration());
            Optional<MigrationLife> ended = MigrationLife.ended(premises, settings);
            if (ended.isPresent()) {
                return new Outcome.Started(
                        new MigrationAssembly(
                                databases,
                                broker,
                                ended.get(),
                                List.of(),
                                Approvals.ended(stored, clock),
                                RowPreview.NONE));
            }
            PreflightReport report =
                    new Preflight(databases.forward().source(), databases.forward().target())
                            .run(spec);
            if (!report.accepted()) {
                databases.close();
                return new Outcome.Refused(report);
            }
            Migration migration =
                    Migration.start(
                            streams(databases, report, broker.settings()),
                            new SpecResult.Valid(spec, specHash),
                            who,
                            clock,
                            options);
            return new Outcome.Started(
                    new MigrationAssembly(
                            databases,
                            broker,
                            MigrationLife.of(
                                    migration,
                                    Plan.of(specHash, report.mappings(), report.findings()),
                                    premises,
                                    settings),
                            tables(report),
                            approvals(migration, stored, clock),
                            preview(databases, report)));
        } catch (SQLException | RuntimeException e) {
            broker.stop();
            databases.close();
            throw e;
        }
    }

    private static RowPreview preview(Databases databases, PreflightReport report) {
        return new SourcePreview(
                report.tables().stream()
                        .map(table -> new SourcePreview.Table(table.mapping(), table.source()))
                        .toList(),
                SensitiveColumns.ofTargets(databases.spec().sensitive().tables()),
                databases.forward().source().compared());
    }

    /// Rows of the source with what becomes of them.
    RowPreview preview() {
        return preview;
    }

    /// @throws SQLException if the target does not answer; the migration is closed then
    private static Approvals approvals(
            Migration migration, ApprovalStore stored, InstantSource clock) throws SQLException {
        try {
            return Approvals.open(stored, clock);
        } catch (SQLException | RuntimeException e) {
            migration.close();
            throw e;
        }
    }

    private static Premises premises(Databases databases, SpecifiedLog broker) {
        MigrationSpec spec = databases.spec();
        return new Premises(
                spec.migration(),
                databases.forward().source().database(),
                databases.forward().target().database(),
                databases.forward().source().compared().username(),
                broker,
                Premises.archive(spec.dataDir(), spec.migration()),
                List.of(spec.dataDir().resolve(spec.migration())));
    }

    /// The requests that wait for another person.
    Approvals approvals() {
        return approvals;
    }

    /// The target tables, in the order of the file; empty if the migration has ended.
    List<TableDefinition> tables() {
        return tables;
    }

    private static List<TableDefinition> tables(PreflightReport report) {
        return report.mappings().stream()
                .map(
                        mapping ->
                                new TableDefinition(
                                        mapping.target().table().toString(),
                                        mapping.source().toString(),
                                        mapping.shown().strip(),
                                        mapping.target().keyColumns(),
                                        notes(report, mapping.source().toString())))
                .toList();
    }

    /// A part of a table has its target after a comma.
    private static List<MigrationDefinition.Note> notes(PreflightReport report, String source) {
        return report.findings().stream()
                .filter(found -> WAY_BACK.contains(found.check()))
                .filter(
                        found ->
                                found.object().equals(source)
                                        || found.object().startsWith(source + ","))
                .map(
                        found ->
                                new MigrationDefinition.Note(
                                        found.check(), found.message(), found.remedy()))
                .toList();
    }

    /// The migration, until it has ended, and its archive afterwards.
    public MigrationLife migration() {
        return migration;
    }

    @Override
    public void close() {
        migration.close();
        broker.stop();
        databases.close();
    }

    private static Migration.Streams streams(
            Databases databases, PreflightReport report, Map<String, Object> kafka) {
        return new Migration.Streams(
                forward(databases, report, kafka),
                report.reversal()
                        .tables(
                                Direction.REVERSE.id(databases.spec().migration()),
                                databases.spec().truncate())
                        .map(tables -> reverse(databases, report, tables, kafka)));
    }

    private static ReplicationStream forward(
            Databases databases, PreflightReport report, Map<String, Object> kafka) {
        MigrationSpec spec = databases.spec();
        return new ReplicationStream(
                Direction.FORWARD,
                spec.migration(),
                databases.forward().source(),
                databases.forward().target(),
                new Tables(
                        report.tables().stream().map(PlannedTable::mapping).toList(),
                        captured(report.tables()),
                        TableRule.refusing(
                                report.mappings(), target -> spec.truncate().refuses(target))),
                new Settings(
                        spec.kafka().partitions(),
                        kafka,
                        spec.debezium(),
                        report.replicaRole(),
                        spec.dataDir().resolve(spec.migration()).resolve("state"),
                        LogRetention.Policy.of(spec.kafka().retention()),
                        spec.backfill(),
                        ExistingRows.READ,
                        spec.indexes(),
                        new RejectedLimit(
                                spec.rejectedLimit().standard(), spec.rejectedLimit().tables()),
                        Settings.DEFINITIONS,
                        spec.schemaChange()));
    }

    /// The way back begins with equal sides, so no row is read and every index stays.
    private static ReplicationStream reverse(
            Databases databases, PreflightReport report, Tables tables, Map<String, Object> kafka) {
        MigrationSpec spec = databases.spec();
        return new ReplicationStream(
                Direction.REVERSE,
                spec.migration(),
                databases.reverse().target(),
                databases.reverse().source(),
                tables,
                new Settings(
                        spec.kafka().partitions(),
                        kafka,
                        spec.debezium(),
                        report.reversal().replicaRole(),
                        spec.dataDir().resolve(spec.migration()).resolve("reverse-state"),
                        LogRetention.Policy.of(spec.kafka().retention()),
                        Backfill.WINDOWS,
                        ExistingRows.ON_BOTH_SIDES,
                        IndexSetting.KEEP,
                        RejectedLimit.standard(),
                        Settings.DEFINITIONS,
                        SchemaChange.Setting.STANDARD));
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
