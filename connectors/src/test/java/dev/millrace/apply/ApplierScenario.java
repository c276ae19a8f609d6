package dev.millrace.apply;

import static org.awaitility.Awaitility.await;

import dev.millrace.apply.gate.WriteGate;
import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.apply.origin.SessionOrigin;
import dev.millrace.apply.origin.SessionOrigin.OriginUse;
import dev.millrace.apply.refusal.RejectedLimit;
import dev.millrace.apply.sql.TableRule;
import dev.millrace.change.BlockCodec;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetBlock;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.change.Topics;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.AppliedOffsets;
import dev.millrace.control.BackfilledTables;
import dev.millrace.control.ParkedKeys;
import dev.millrace.control.ParkedKeys.ParkedKey;
import dev.millrace.control.SessionSource.TargetSessions;
import dev.millrace.control.StoredOffsets;
import dev.millrace.control.stopped.StoppedTables;
import dev.millrace.control.stopped.StoppedTables.StoppedTable;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.lifecycle.ComponentState;
import dev.millrace.lifecycle.RestartPolicy;
import dev.millrace.postgres.ReplicationOrigins;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestProducer;
import dev.millrace.testing.Waits;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.jspecify.annotations.Nullable;

/// A target database with a control schema, a target topic that the test writes, and appliers that
/// apply the topic to the database.
public final class ApplierScenario implements AutoCloseable {

    static final Duration TIMEOUT = Waits.LIMIT;
    static final int GENERATION = 3;

    /// Before the compression, after which the broker accepts it.
    private static final int LARGEST_RECORD = 32 << 20;

    /// As the administrator.
    final TestDatabase database;

    final Login login;
    final String migration = KafkaServer.newMigrationName();
    final int partitions;
    final Topics topics = new Topics(migration);
    final WriteGate gate = new WriteGate(this::newSession, InstantSource.system());
    private final TestProducer producer;
    private final BlockCodec codec = new BlockCodec();
    private final List<TargetApplier> appliers = new ArrayList<>();
    private final long[] changesOffsets;
    private final long[] rowChanges;
    private final int[] indexes;
    private final List<Map<Token, Long>> totals = new ArrayList<>();
    private final CountDownLatch closed = new CountDownLatch(1);
    private String topicId = "";
    private RejectedLimit rejectedLimit = RejectedLimit.standard();
    private Map<TableId, TableRule> rules = Map.of();

    private final String bootstrapServers;

    ApplierScenario(int partitions, String... tables) throws Exception {
        this(KafkaServer.shared().bootstrapServers(), partitions, tables);
    }

    ApplierScenario(String bootstrapServers, int partitions, String... tables) throws Exception {
        this.bootstrapServers = bootstrapServers;
        this.partitions = partitions;
        changesOffsets = new long[partitions];
        rowChanges = new long[partitions];
        indexes = new int[partitions];
        for (int partition = 0; partition < partitions; partition++) {
            totals.add(new HashMap<>());
        }
        database = PostgresServer.shared().newTarget();
        database.execute(tables);
        login = grant();
        createTopic();
        producer =
                new TestProducer(
                        Map.of(
                                "bootstrap.servers",
                                bootstrapServers,
                                "compression.type",
                                "zstd",
                                "max.request.size",
                                LARGEST_RECORD));
        begin(GENERATION);
    }

    /// Again when there are other tables.
    Login grant() {
        Login granted = GrantedLogins.apply(database);
        // Also granted for a switchover, whose other rights are those of an owner of the tables.
        database.execute(ReplicationOrigins.grant(ReplicationOrigins.FUNCTIONS, granted.name()));
        return granted;
    }

    private void createTopic() throws ExecutionException, InterruptedException {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrapServers))) {
            var created =
                    admin.createTopics(
                            List.of(new NewTopic(topics.target(), partitions, (short) 1)));
            topicId = created.topicId(topics.target()).get().toString();
        }
    }

    void begin(int generation) throws SQLException {
        try (Connection connection = login.connect()) {
            begin(connection, generation);
        }
    }

    void begin(Connection connection, int generation) throws SQLException {
        new StoredOffsets(migration, topics.target())
                .begin(connection, generation, topicId, Collections.nCopies(partitions, 0L));
    }

    String topicId() {
        return topicId;
    }

    /// Of a session that no other test knows.
    static SessionOrigin.Setup origin() {
        return new SessionOrigin.Setup(
                KafkaServer.newMigrationName(), 1, 1, OriginUse.IF_PERMITTED);
    }

    static ApplierSettings.Limits limits(int rows) {
        return limits(rows, Duration.ofHours(1));
    }

    /// @param shapes how often the target's definition of tables is read
    static ApplierSettings.Limits limits(int rows, Duration shapes) {
        return new ApplierSettings.Limits(
                rows,
                16L << 20,
                64L << 20,
                2,
                Duration.ofMillis(500),
                Duration.ofSeconds(30),
                Duration.ofMillis(100),
                shapes,
                Duration.ofSeconds(5));
    }

    /// A session of a writer; the caller closes it.
    static TargetSession session(Login login) throws SQLException {
        return TargetSession.open(sessions(login), limits(10_000), 0, origin());
    }

    /// A writer without an applier; the caller closes it.
    static BatchWriter writer(Login login, String migration, String topic) throws SQLException {
        return new BatchWriter(
                session(login), migration, topic, Map.of(), RejectedLimit.standard());
    }

    private Connection newSession() throws SQLException {
        return login.session("pause");
    }

    public TargetSessions sessions() {
        return sessions(login);
    }

    public static TargetSessions sessions(Login login) {
        return () -> login.session("apply");
    }

    /// From now on, new sessions cannot set the replica role, as those of PostgreSQL 14 cannot.
    TargetSessions withoutReplicaRole() {
        database.execute(
                """
                DO $$ BEGIN IF current_setting('server_version_num')::int >= 150000 THEN
                    EXECUTE 'REVOKE SET ON PARAMETER session_replication_role FROM %s';
                END IF; END $$"""
                        .formatted(login.name()));
        return sessions();
    }

    /// Ends every session of the login, so that its changed privileges take effect.
    void endSessions() {
        database.query(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = '"
                        + login.name()
                        + "'");
    }

    void awaitWaiting(TargetApplier applier, String reason) {
        await().atMost(TIMEOUT)
                .pollInterval(Duration.ofMillis(20))
                .until(
                        () ->
                                applier.state() instanceof ComponentState.Waiting waiting
                                        && waiting.reason().contains(reason));
    }

    TargetApplier start() {
        return start(limits(10_000), sessions());
    }

    TargetApplier start(ApplierSettings.Limits limits, TargetSessions sessions) {
        return start(limits, sessions, ReplicaRole.ORIGIN);
    }

    TargetApplier start(ApplierSettings.Limits limits, TargetSessions sessions, ReplicaRole role) {
        TargetApplier applier = applier(limits, sessions, role);
        applier.start();
        return applier;
    }

    /// An applier that is not started yet.
    TargetApplier applier() {
        return applier(limits(10_000));
    }

    TargetApplier applier(ApplierSettings.Limits limits) {
        return applier(limits, sessions(), ReplicaRole.ORIGIN);
    }

    private TargetApplier applier(
            ApplierSettings.Limits limits, TargetSessions sessions, ReplicaRole role) {
        return applier(limits, sessions, role, OriginUse.IF_PERMITTED);
    }

    TargetApplier applier(
            ApplierSettings.Limits limits,
            TargetSessions sessions,
            ReplicaRole role,
            OriginUse origins) {
        TargetApplier applier =
                new TargetApplier(
                        new ApplierSettings(
                                migration,
                                GENERATION,
                                new TargetTopic(topics.target(), changesOffsets.length, true),
                                role,
                                origins,
                                Map.of("bootstrap.servers", bootstrapServers),
                                limits,
                                rules,
                                rejectedLimit),
                        sessions,
                        gate,
                        InstantSource.system(),
                        new RestartPolicy(Duration.ofMillis(20), Duration.ofMillis(20), 3));
        appliers.add(applier);
        return applier;
    }

    /// The next token of the partition, as if the row topology had read a further changes block.
    Token next(int partition) {
        indexes[partition] = 0;
        return new Token(GENERATION, changesOffsets[partition]++, 0);
    }

    /// The token of a further change of the last changes block.
    Token nextInBlock(int partition) {
        return new Token(GENERATION, changesOffsets[partition] - 1, ++indexes[partition]);
    }

    void send(int partition, TargetChange change) {
        send(partition, List.of(change));
    }

    /// Sends one block: outputs of consecutive changes of rows of one changes block. Any other
    /// change is alone.
    void send(int partition, List<TargetChange> changes) {
        Token upTo = changes.getLast().token();
        if (changes.getFirst().token().changesOffset() != upTo.changesOffset()) {
            throw new IllegalArgumentException("A target block is of one changes block.");
        }
        long total = 0;
        for (TargetChange change : changes) {
            total = total(partition, change);
        }
        sendRaw(partition, encoded(codec, upTo, total, changes));
    }

    /// The record of these changes as the row topology encodes it.
    static byte[] encoded(BlockCodec codec, Token upTo, long total, List<TargetChange> changes) {
        return switch (changes.isEmpty() ? null : changes.getFirst()) {
            case TargetChange.Truncate truncate -> codec.encode(truncate, total);
            case TargetChange.BackfillComplete complete -> codec.encode(complete, total);
            case TargetChange.Watermark watermark -> codec.encode(watermark, total);
            case null, default -> {
                TargetBlock.Writer writer = codec.targetChanges();
                changes.forEach(writer::add);
                yield writer.take(upTo, total);
            }
        };
    }

    /// Whether the change is an output of a change of a row, which the running total counts.
    static boolean isOfRow(TargetChange change) {
        return change instanceof TargetChange.Upsert
                || change instanceof TargetChange.Delete
                || change instanceof TargetChange.Rejected;
    }

    /// The number of changes of rows up to the token; the same when it is sent again.
    private long total(int partition, TargetChange change) {
        return totals.get(partition)
                .computeIfAbsent(
                        change.token(),
                        _ -> isOfRow(change) ? ++rowChanges[partition] : rowChanges[partition]);
    }

    /// The number of changes of rows that were sent to the partition, each of them once.
    long total(int partition) {
        return rowChanges[partition];
    }

    void sendRaw(int partition, byte @Nullable [] value) {
        producer.send(topics.target(), partition, value);
    }

    void awaitSent() {
        producer.flush();
    }

    void upsert(int partition, Row row) {
        send(partition, new TargetChange.Upsert(next(partition), row));
    }

    void delete(int partition, Row key) {
        send(partition, new TargetChange.Delete(next(partition), key));
    }

    void truncate(int partition, TableId table, long id) {
        truncate(partition, id, table);
    }

    /// In every partition.
    void truncate(long id, TableId... tables) {
        for (int partition = 0; partition < partitions; partition++) {
            truncate(partition, id, tables);
        }
    }

    void truncate(int partition, long id, TableId... tables) {
        send(partition, new TargetChange.Truncate(next(partition), List.of(tables), id));
    }

    void reject(int partition, TableId table, String reason) {
        send(partition, rejected(next(partition), table, reason));
    }

    static TargetChange.Rejected rejected(Token token, TableId table, String reason) {
        RowSchema source = RowSchema.keyed(new TableId("s", "t"), List.of("id"), List.of("id"));
        return new TargetChange.Rejected(
                token, table, 0, reason, Optional.empty(), Row.of(source, "1"));
    }

    void backfillComplete(int partition, TableId... tables) {
        send(partition, new TargetChange.BackfillComplete(next(partition), List.of(tables)));
    }

    /// Sends a watermark to every partition, after everything that was sent before.
    void watermark(long number) {
        for (int partition = 0; partition < partitions; partition++) {
            watermark(partition, number);
        }
    }

    void watermark(int partition, long number) {
        send(
                partition,
                new TargetChange.Watermark(
                        next(partition), new WatermarkNumber(GENERATION, number)));
    }

    /// Waits until everything that was sent before is applied.
    void awaitApplied() {
        long number =
                1
                        + stored().partitions().stream()
                                .mapToLong(o -> o.watermark().number())
                                .max()
                                .orElse(0);
        watermark(number);
        awaitApplied(number);
    }

    void awaitApplied(long number) {
        awaitApplied(number, TIMEOUT);
    }

    void awaitApplied(long number, Duration timeout) {
        await().atMost(timeout)
                .pollInterval(Duration.ofMillis(20))
                .until(
                        () ->
                                stored().appliedWatermark()
                                                .orElse(WatermarkNumber.none(GENERATION))
                                                .number()
                                        >= number);
    }

    void awaitState(TargetApplier applier, Class<? extends ComponentState> state) {
        await().atMost(TIMEOUT)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> state.isInstance(applier.state()));
    }

    AppliedOffsets stored() {
        try (Connection connection = login.connect()) {
            return new StoredOffsets(migration, topics.target()).read(connection);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    Set<TableId> backfilled(int partition) {
        try (Connection connection = login.connect()) {
            return new BackfilledTables(migration).read(connection, GENERATION, partition);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    List<StoppedTable> stopped() {
        try (Connection connection = login.connect()) {
            return new StoppedTables(migration)
                    .read(connection, GENERATION).stream()
                            .map(StoppedTables.Counted::table)
                            .toList();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /// The number of rejected changes of a stopped table.
    long rejected(TableId table) {
        try (Connection connection = login.connect()) {
            return new StoppedTables(migration)
                    .read(connection, GENERATION).stream()
                            .filter(counted -> counted.table().table().equals(table))
                            .findFirst()
                            .flatMap(StoppedTables.Counted::rejected)
                            .orElseThrow();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /// For appliers that start later.
    void rules(Map<TableId, TableRule> chosen) {
        rules = chosen;
    }

    /// For appliers that start later.
    void limitRejected(long keys) {
        rejectedLimit = new RejectedLimit(keys, Map.of());
    }

    /// The keys that were set aside, in the order of their ids.
    List<ParkedKey> parked() {
        try (Connection connection = login.connect()) {
            return new ParkedKeys(migration).list(connection, GENERATION, "", Integer.MAX_VALUE);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    static RowSchema rowSchema(String table, String... columns) {
        return RowSchema.keyed(new TableId("public", table), List.of(columns), List.of(columns[0]));
    }

    static Row key(RowSchema rowSchema, String... values) {
        return Row.of(
                RowSchema.keyed(rowSchema.table(), rowSchema.keyColumns(), rowSchema.keyColumns()),
                values);
    }

    @Override
    public void close() {
        closed.countDown();
        appliers.forEach(TargetApplier::close);
        producer.close();
    }
}
