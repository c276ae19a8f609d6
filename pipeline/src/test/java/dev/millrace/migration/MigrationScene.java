package dev.millrace.migration;

import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.apply.refusal.RejectedLimit;
import dev.millrace.apply.sql.TableRule;
import dev.millrace.backfill.Backfill.ExistingRows;
import dev.millrace.capture.CaptureSettings;
import dev.millrace.capture.CapturedTable;
import dev.millrace.capture.SourceCapture;
import dev.millrace.capture.Watermarks;
import dev.millrace.capture.position.SourcePosition;
import dev.millrace.change.TableId;
import dev.millrace.change.Topics;
import dev.millrace.control.ControlSchema;
import dev.millrace.ending.Premises;
import dev.millrace.ending.Premises.LogServer;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.Grants.Use;
import dev.millrace.kafka.Broker;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.mapping.Mapping;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.Identifier;
import dev.millrace.postgres.Session;
import dev.millrace.preflight.Preflight;
import dev.millrace.preflight.PreflightReport;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.problem.Position;
import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.replication.GenerationStart;
import dev.millrace.replication.GenerationStart.LostLog;
import dev.millrace.retention.LogRetention;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.MigrationSpec.IndexSetting;
import dev.millrace.spec.MigrationSpec.Indexes;
import dev.millrace.spec.MigrationSpec.Kafka;
import dev.millrace.spec.MigrationSpec.TableEntry;
import dev.millrace.spec.SpecResult;
import dev.millrace.spec.flow.FlowSetting;
import dev.millrace.spec.flow.FlowSetting.WalExit;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.spec.queries.QueryPair;
import dev.millrace.spec.reconcile.ReconcileSetting;
import dev.millrace.spec.reconcile.Schedule;
import dev.millrace.spec.source.SchemaChange;
import dev.millrace.spec.source.SchemaChange.Kind;
import dev.millrace.spec.source.SchemaChange.Policy;
import dev.millrace.spec.source.TruncateSetting;
import dev.millrace.spec.source.TruncateSetting.Truncate;
import dev.millrace.spec.switchover.Switchover;
import dev.millrace.spec.switchover.Switchover.Route;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectParser;
import dev.millrace.sql.SelectParser.ParseResult;
import dev.millrace.sql.SelectStatement;
import dev.millrace.stream.Direction;
import dev.millrace.stream.ReplicationStream;
import dev.millrace.testing.CutProxy;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.Waits;
import dev.millrace.verdict.Reconciliations.ReconciliationState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/// Two databases, a broker and one migration that copies tables, which a test starts and stops.
final class MigrationScene implements AutoCloseable {

    private static final int PARTITIONS = 3;
    private static final Duration SWITCHOVER_TIMEOUT = Duration.ofSeconds(15);

    /// A service waits longer.
    private static final Duration DEFINITIONS = Duration.ofMillis(500);

    final TestDatabase source;
    final TestDatabase target;
    final String name = KafkaServer.newMigrationName();
    private final Map<String, Object> kafka =
            Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers());
    final Path dataDir;
    private final List<TableId> tables = new ArrayList<>();
    private List<TableId> targets = List.of();
    private SceneDatabases databases;
    private LogRetention.Policy retention = LogRetention.Policy.of(Kafka.DEFAULT_RETENTION);
    private Backfill backfill = Backfill.ENGINE;
    private Indexes indexes = Indexes.KEEP;
    private RejectedLimit rejectedLimit = RejectedLimit.standard();
    private TruncateSetting truncate = TruncateSetting.STANDARD;
    private SchemaChange.Setting schemaChange = SchemaChange.Setting.STANDARD;
    private List<TableEntry> entries = List.of();
    private Switchover.Fence fence = Switchover.DEFAULT.fence();
    private Switchover switchover = Switchover.DEFAULT;
    private List<QueryPair> queries = List.of();

    /// A test writes on the target what it wants to be found later.
    private ReconcileSetting reconcile =
            new ReconcileSetting(
                    Schedule.NEVER, Schedule.NEVER, ReconcileSetting.Load.DEFAULT, false);

    private Map<TableId, Set<String>> sensitive = Map.of();
    private FlowSetting flow = FlowSetting.NONE;
    private InstantSource clock = InstantSource.system();
    private boolean movable;
    final SceneTopics topics = new SceneTopics(kafka, new Topics(name), PARTITIONS);
    private @Nullable SceneDatabases reverse;
    private @Nullable Migration migration;

    MigrationScene() throws IOException {
        this(Duration.ofMinutes(1));
    }

    /// @param silence how long either server may be silent within a short statement
    MigrationScene(Duration silence) throws IOException {
        this(
                PostgresServer.shared().newDatabase(),
                PostgresServer.shared().newTarget(),
                target -> target,
                silence);
    }

    /// The migration reaches the target only through the proxy, the test reaches it directly.
    MigrationScene(Function<TestDatabase, CutProxy> targetProxy) throws IOException {
        this(
                PostgresServer.shared().newDatabase(),
                PostgresServer.shared().newTarget(),
                target -> targetProxy.apply(target).through(target),
                Duration.ofMinutes(1));
    }

    /// Between databases of servers that belong to the test.
    ///
    /// @param way the target as the migration reaches it
    MigrationScene(TestDatabase source, TestDatabase target, UnaryOperator<TestDatabase> way)
            throws IOException {
        this(source, target, way, Duration.ofMinutes(1));
    }

    private MigrationScene(
            TestDatabase source,
            TestDatabase target,
            UnaryOperator<TestDatabase> way,
            Duration silence)
            throws IOException {
        this.source = source;
        this.target = target;
        dataDir = Files.createTempDirectory("millrace-scene");
        databases = new SceneDatabases(name, source, way.apply(target), silence);
    }

    /// Chooses how existing rows are read; without it, the engine reads them.
    MigrationScene backfill(Backfill chosen) {
        backfill = chosen;
        return this;
    }

    /// Declares the tables in the file too, as `public.*`.
    MigrationScene declared() {
        entries =
                List.of(
                        new TableEntry.Wildcard(
                                "public", "public", new Position("millrace.yaml", 1, 1)));
        return this;
    }

    /// Declares a target table that is a SELECT over a source table, before those that are declared
    /// already. The test creates both.
    MigrationScene select(String target, String select) {
        entries =
                Stream.concat(
                                Stream.of(
                                        new TableEntry.Select(
                                                new TableId("public", target),
                                                parsed(select),
                                                new Position("millrace.yaml", 1, 1))),
                                entries.stream())
                        .toList();
        return this;
    }

    private static SelectStatement parsed(String select) {
        return switch (SelectParser.parse(select)) {
            case ParseResult.Parsed(SelectStatement parsed) -> parsed;
            case ParseResult.Refused(var problems) -> throw new AssertionError(problems);
        };
    }

    /// Stops this declared target table when its source table is truncated.
    MigrationScene refusingTruncate(String table) {
        truncate =
                new TruncateSetting(
                        Truncate.APPLY, Map.of(new TableId("public", table), Truncate.REFUSE));
        return this;
    }

    /// Pauses this declared target table when partitions of its source table come or go.
    MigrationScene pausingPartitions(String table) {
        schemaChange =
                new SchemaChange.Setting(
                        SchemaChange.NONE,
                        Map.of(
                                new TableId("public", table),
                                new SchemaChange(
                                        Map.of(
                                                Kind.ATTACH_PARTITION,
                                                Policy.PAUSE,
                                                Kind.DETACH_PARTITION,
                                                Policy.PAUSE))));
        return this;
    }

    /// Drops the target's indexes and foreign keys for the time of the backfill.
    MigrationScene indexesAfterBackfill() {
        indexes = Indexes.AFTER_BACKFILL;
        return this;
    }

    /// Creates the table on both sides.
    MigrationScene table(String table, String ddl) {
        source.execute("CREATE TABLE " + Identifier.quote(table) + " (" + ddl + ")");
        target.execute("CREATE TABLE " + Identifier.quote(table) + " (" + ddl + ")");
        tables.add(new TableId("public", table));
        return this;
    }

    /// Gives the logins of the migration what `grants` prints for the tables that exist now. Every
    /// start does it; a test does it when it needs the logins before, or has added tables.
    MigrationScene grant() {
        GrantedLogins.grant(
                grantedSpec(),
                movable
                        ? EnumSet.allOf(Use.class)
                        : EnumSet.complementOf(EnumSet.of(Use.SWITCHOVER)),
                source,
                target);
        return this;
    }

    /// Creates the publication again, as `plan` tells an administrator: only the owner of the
    /// tables may publish them.
    void publishAgain() {
        source.execute("DROP PUBLICATION " + CaptureSettings.publication(name));
        grant();
        plan();
    }

    /// The file with the tables that the test has declared without one.
    private MigrationSpec grantedSpec() {
        List<TableEntry> declared = new ArrayList<>(entries);
        if (entries.isEmpty()) {
            for (TableId table : tables) {
                for (TableId to : targets.isEmpty() ? List.of(table) : targets) {
                    declared.add(
                            new TableEntry.Select(
                                    to,
                                    parsed("SELECT * FROM " + Identifier.quote(table)),
                                    new Position("millrace.yaml", 1, 1)));
                }
            }
        }
        return spec(declared, backfill, new IndexSetting(indexes, Map.of()));
    }

    String sourceLogin() {
        return databases.sourceEndpoint().username();
    }

    String targetLogin() {
        return databases.targetEndpoint().username();
    }

    /// Of the stream, by its name: a test may look while a database cannot be reached.
    String slot() {
        return CaptureSettings.slot(name);
    }

    String publication() {
        return CaptureSettings.publication(name);
    }

    Topics topics() {
        return new Topics(name);
    }

    /// Leaves it to the test to keep writers from the source.
    MigrationScene externallyFenced() {
        fence = Switchover.Fence.EXTERNAL;
        return this;
    }

    /// Hides the values of columns of a target table.
    MigrationScene sensitive(String table, String... columns) {
        sensitive = Map.of(new TableId("public", table), Set.of(columns));
        return this;
    }

    /// Routes the applications, with a short timeout of the switchover.
    MigrationScene route(Route route) {
        switchover =
                new Switchover(
                        fence,
                        Switchover.DEFAULT.verdictMaxAge(),
                        Switchover.DEFAULT.lagBelow(),
                        SWITCHOVER_TIMEOUT,
                        Switchover.DEFAULT.reverseWindow(),
                        List.of(route));
        return this;
    }

    /// Declares statements whose results are compared.
    MigrationScene queries(QueryPair... pairs) {
        queries = List.of(pairs);
        return this;
    }

    /// Lets the service compare both sides by itself.
    MigrationScene reconciling(ReconcileSetting setting) {
        reconcile = setting;
        return this;
    }

    /// Gives the migration another clock than the machine's.
    MigrationScene clock(InstantSource other) {
        clock = other;
        return this;
    }

    /// Lets the migration hold its flow by itself.
    MigrationScene stopWhen(StopCondition... conditions) {
        flow = new FlowSetting(List.of(conditions), flow.walBudget(), flow.walExit());
        return this;
    }

    /// Limits the WAL that the source retains.
    MigrationScene walBudget(long bytes) {
        flow = new FlowSetting(flow.stopWhen(), OptionalLong.of(bytes), flow.walExit());
        return this;
    }

    /// Drops the slot when the WAL budget is used up.
    MigrationScene droppingSlot() {
        flow = new FlowSetting(flow.stopWhen(), flow.walBudget(), WalExit.DROP_SLOT);
        return this;
    }

    /// Compares as another role.
    MigrationScene comparingAs(String role) {
        databases = databases.comparingAs(role);
        return this;
    }

    /// Writes to the target as the migration's own role, which no fence refuses.
    void writeTargetAsMigration(String sql) throws SQLException {
        SceneDatabases.write(databases.target(), sql);
    }

    /// Writes to the source as the migration's own role, which no fence refuses.
    void writeSourceAsMigration(String sql) throws SQLException {
        SceneDatabases.write(databases.source(), sql);
    }

    /// Lets the logins move the applications, too.
    MigrationScene movable() {
        movable = true;
        return this;
    }

    /// Copies each source table into these target tables, in this order of the file.
    MigrationScene into(String... targets) {
        this.targets = Stream.of(targets).map(name -> new TableId("public", name)).toList();
        return this;
    }

    /// Deletes records of the log that are older than this, several times a second.
    MigrationScene retention(Duration age) {
        retention = new LogRetention.Policy(age, Duration.ofMillis(200));
        return this;
    }

    /// Runs one round of retention, which deletes everything that is older than this and read.
    ComponentState retain(Duration age) {
        try (LogRetention retention =
                LogRetention.start(
                        new LogRetention.Settings(
                                name,
                                1,
                                PARTITIONS,
                                kafka,
                                databases.target(),
                                LogRetention.Policy.of(age)),
                        () -> true,
                        List.of(),
                        InstantSource.system())) {
            return Awaitility.await()
                    .atMost(Waits.LIMIT)
                    .until(retention::state, state -> !(state instanceof ComponentState.Starting));
        }
    }

    private Stream<Mapping> mappings(Relation relation) {
        return (targets.isEmpty() ? List.of(relation.id()) : targets)
                .stream().map(target -> CopyMapping.of(relation, target));
    }

    Migration start() throws SQLException {
        return start(LostLog.REFUSED);
    }

    Migration start(LostLog lostLog) throws SQLException {
        return start(new StartOptions(lostLog, false));
    }

    Migration start(StartOptions options) throws SQLException {
        Migration started = startAnother(options);
        migration = started;
        return started;
    }

    Migration startAnother() throws SQLException {
        return startAnother(StartOptions.STANDARD);
    }

    private Migration startAnother(StartOptions options) throws SQLException {
        grant();
        Optional<PreflightReport> plan = plan();
        return Migration.start(
                new Migration.Streams(
                        stream(plan), Optional.ofNullable(reverse).map(to -> reverse(to, plan))),
                file(),
                "test",
                clock,
                options);
    }

    ReplicationStream stream() {
        grant();
        return stream(plan());
    }

    /// What the file declares; empty for tables that are not in the file.
    private Optional<PreflightReport> plan() {
        if (entries.isEmpty()) {
            return Optional.empty();
        }
        PreflightReport report = check();
        // A wildcard names no table, so that `grants` creates no publication for it.
        Optional<String> publication =
                report.findings().stream()
                        .filter(found -> found.check().equals(CheckName.SOURCE_PUBLICATION.id()))
                        .map(Finding::remedy)
                        .filter(remedy -> remedy.startsWith("CREATE PUBLICATION"))
                        .findFirst();
        if (publication.isPresent()) {
            source.execute(
                    publication.get(),
                    "ALTER PUBLICATION " + publication() + " OWNER TO " + sourceLogin());
            report = check();
        }
        return Optional.of(report);
    }

    private PreflightReport check() {
        return new Preflight(databases.sourceSide(), databases.targetSide()).run(spec());
    }

    private ReplicationStream stream(Optional<PreflightReport> plan) {
        MigrationSpec spec = spec();
        return new ReplicationStream(
                Direction.FORWARD,
                name,
                databases.sourceSide(),
                databases.targetSide(),
                plan.map(
                                report ->
                                        new ReplicationStream.Tables(
                                                report.mappings(),
                                                report.captured(),
                                                TableRule.refusing(
                                                        report.mappings(), truncate::refuses)))
                        .orElseGet(() -> copies(captured(), this::mappings)),
                new ReplicationStream.Settings(
                        PARTITIONS,
                        kafka,
                        Map.of(),
                        replicaRole(databases.target()),
                        stateDir().resolve("state"),
                        retention,
                        backfill,
                        ExistingRows.READ,
                        new IndexSetting(indexes, Map.of()),
                        rejectedLimit,
                        DEFINITIONS,
                        schemaChange));
    }

    private static ReplicaRole replicaRole(Database database) {
        try (Connection connection = database.connect("role")) {
            return ReplicaRole.take(connection);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static ReplicationStream.Tables copies(
            List<CapturedTable> captured, Function<Relation, Stream<Mapping>> mappings) {
        return new ReplicationStream.Tables(
                captured.stream().map(CapturedTable::relation).flatMap(mappings).toList(),
                captured);
    }

    /// Lets the migration carry the target's changes back to the source.
    MigrationScene reversible() {
        movable = true;
        reverse = databases.forStream(Direction.REVERSE.id(name));
        return this;
    }

    private ReplicationStream reverse(SceneDatabases reverse, Optional<PreflightReport> plan) {
        return new ReplicationStream(
                Direction.REVERSE,
                name,
                reverse.targetSide(),
                reverse.sourceSide(),
                plan.map(
                                report ->
                                        report.reversal()
                                                .tables(Direction.REVERSE.id(name), truncate)
                                                .orElseThrow())
                        .orElseGet(
                                () ->
                                        copies(
                                                captured(reverse.target()),
                                                relation ->
                                                        Stream.of(
                                                                CopyMapping.of(
                                                                        relation, relation.id())))),
                new ReplicationStream.Settings(
                        PARTITIONS,
                        kafka,
                        Map.of(),
                        replicaRole(reverse.source()),
                        stateDir().resolve("reverse-state"),
                        retention,
                        Backfill.WINDOWS,
                        ExistingRows.ON_BOTH_SIDES,
                        IndexSetting.KEEP,
                        RejectedLimit.standard(),
                        DEFINITIONS,
                        SchemaChange.Setting.STANDARD));
    }

    private Path stateDir() {
        return dataDir.resolve(name);
    }

    /// Where this migration leaves something.
    Premises premises() {
        return new Premises(
                name,
                databases.source(),
                databases.target(),
                databases.source().username(),
                new LogServer() {
                    @Override
                    public Map<String, Object> settings() {
                        return kafka;
                    }

                    @Override
                    public Optional<Path> folder() {
                        return Optional.empty();
                    }

                    @Override
                    public void stop() {
                        // The broker is not the migration's.
                    }
                },
                Premises.archive(dataDir, name),
                List.of(stateDir()));
    }

    /// The migration leaves this scene, which does not stop it any more.
    Migration handOver() {
        Migration handed = running();
        migration = null;
        return handed;
    }

    SpecResult.Valid file() {
        return new SpecResult.Valid(spec(), "hash");
    }

    /// Another process takes the owner's lock when the owner's session is terminated. It waits for
    /// the lock first, so that the owner cannot take it again in between.
    Connection takeOwnership() {
        Connection other = target.connect();
        CompletableFuture<Void> queued = CompletableFuture.runAsync(() -> lockOwnership(other));
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () ->
                                "1"
                                        .equals(
                                                target.value(
                                                        "SELECT count(*) FROM pg_locks WHERE"
                                                                + " locktype = 'advisory' AND NOT"
                                                                + " granted AND database = (SELECT oid"
                                                                + " FROM pg_database WHERE datname ="
                                                                + " current_database())")));
        target.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE"
                        + " application_name = 'millrace "
                        + name
                        + " owner'");
        queued.join();
        return other;
    }

    private void lockOwnership(Connection other) {
        try (var statement = other.createStatement()) {
            statement.execute(
                    "SELECT pg_advisory_lock(hashtextextended('millrace.owner." + name + "', 0))");
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /// Whether a session streams from the slot.
    boolean streams() {
        return "1"
                .equals(
                        source.value(
                                "SELECT count(*) FROM pg_replication_slots WHERE active AND"
                                        + " slot_name = '"
                                        + CaptureSettings.slot(name)
                                        + "'"));
    }

    /// Runs what the conductor does before it starts a component.
    <T> T withGenerations(GenerationWork<T> work) throws SQLException {
        grant();
        ControlSchema.migrate(() -> databases.target().connect("control"));
        try (Broker broker = new Broker(kafka)) {
            return work.with(new GenerationStart(stream(), file(), broker));
        }
    }

    interface GenerationWork<T> {
        T with(GenerationStart generations) throws SQLException;
    }

    /// Waits until a session of this migration waits for a lock.
    void awaitWaiting(TestDatabase database, String purpose) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> waiting(database, purpose) > 0);
    }

    private long waiting(TestDatabase database, String purpose) {
        return Long.parseLong(
                String.valueOf(
                        database.value(
                                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type ="
                                        + " 'Lock' AND application_name = 'millrace "
                                        + name
                                        + " "
                                        + purpose
                                        + "'")));
    }

    private List<CapturedTable> captured() {
        return captured(databases.source());
    }

    private List<CapturedTable> captured(Database database) {
        try (Session session = database.session()) {
            return tables.stream()
                    .map(table -> session.sourceCatalog().relation(table).orElseThrow())
                    .map(relation -> new CapturedTable(relation, false))
                    .toList();
        }
    }

    /// While the migration is stopped: captures everything that the source has committed, without
    /// mappings and apply.
    void captureAlone() throws Exception {
        SourceCapture capture =
                SourceCapture.start(
                        new CaptureSettings(
                                name,
                                1,
                                databases.sourceEndpoint().url(),
                                sourceLogin(),
                                databases.sourceEndpoint().password()::reveal,
                                captured(),
                                PARTITIONS,
                                kafka,
                                Map.of(),
                                Backfill.ENGINE,
                                Optional.empty()),
                        databases.source()::connect,
                        InstantSource.system());
        long number;
        try (Connection connection = source.connect()) {
            number = new Watermarks(name, 1).emit(connection).number().number();
        }
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () -> {
                            SourcePosition position = capture.position();
                            return position != null && position.watermark() >= number;
                        });
        capture.close();
    }

    private MigrationSpec spec() {
        return spec(entries, Backfill.ENGINE, IndexSetting.KEEP);
    }

    private MigrationSpec spec(List<TableEntry> declared, Backfill backfill, IndexSetting indexes) {
        return new MigrationSpec(
                name,
                databases.sourceEndpoint(),
                databases.targetEndpoint(),
                new Kafka.Embedded(PARTITIONS, Kafka.DEFAULT_RETENTION),
                dataDir,
                declared,
                Map.of(),
                backfill,
                indexes,
                MigrationSpec.RejectedLimit.STANDARD,
                truncate,
                schemaChange,
                switchover,
                queries,
                reconcile,
                flow,
                new MigrationSpec.SensitiveColumns(sensitive));
    }

    void awaitPhase(String phase) {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .pollInterval(Duration.ofMillis(100))
                .untilAsserted(
                        () ->
                                org.assertj.core.api.Assertions.assertThat(
                                                running().status().phase())
                                        .as(() -> running().status().toString())
                                        .isEqualTo(phase));
    }

    /// Waits until the end-to-end lag is known and low.
    void awaitFresh() {
        Awaitility.await()
                .atMost(Waits.LIMIT)
                .until(
                        () -> {
                            Double age = running().status().lag().endToEndSeconds();
                            return age != null && age < PhaseRule.IN_SYNC_BELOW.toSeconds();
                        });
    }

    ReconciliationReport reconcile(String... targets) {
        return reconcile(Duration.ofSeconds(120), targets);
    }

    ReconciliationReport reconcile(Duration atMost, String... targets) {
        UUID id = running().reconcile(List.of(targets));
        Awaitility.await()
                .atMost(atMost)
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
            throw new IllegalStateException("The migration is not started.");
        }
        return migration;
    }

    void stop() {
        running().close();
        migration = null;
    }

    @Override
    public void close() {
        if (migration != null) {
            stop();
        }
        if (reverse != null) {
            reverse.close();
        }
        databases.close();
        source.query(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT"
                        + " active AND slot_name = '"
                        + CaptureSettings.slot(name)
                        + "'");
        target.query(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT"
                        + " active AND slot_name = '"
                        + CaptureSettings.slot(Direction.REVERSE.id(name))
                        + "'");
    }
}
