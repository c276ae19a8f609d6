package dev.millrace.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.apply.refusal.RejectedLimit;
import dev.millrace.backfill.Backfill.ExistingRows;
import dev.millrace.capture.CapturedTable;
import dev.millrace.capture.position.TablePause.Change;
import dev.millrace.capture.position.TablePause.Loss;
import dev.millrace.capture.position.TablePause.PartitionChange;
import dev.millrace.capture.position.TablePause.Remedy;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.control.ControlSchema;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper;
import dev.millrace.mapping.RowMapper.KeyOrigin;
import dev.millrace.postgres.Database;
import dev.millrace.retention.LogRetention;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.MigrationSpec.Endpoint;
import dev.millrace.spec.MigrationSpec.IndexSetting;
import dev.millrace.spec.MigrationSpec.Kafka;
import dev.millrace.spec.source.SchemaChange;
import dev.millrace.spec.source.SchemaChange.Kind;
import dev.millrace.spec.source.SchemaChange.Policy;
import dev.millrace.sql.Relation;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Two source tables are parts of the rows of one target table.
class SchemaPauseIT {

    private static final TableId PERSON = new TableId("public", "person");
    private static final TableId ADDRESS = new TableId("public", "address");
    private static final TableId USERS = new TableId("public", "users");
    private static final Optional<KeyOrigin> KEYS =
            Optional.of(new KeyOrigin(Map.of("id", "id"), Map.of()));
    private static final Change ACCEPTED = new Change("column a: x → y", Remedy.ACCEPT);

    private final TestDatabase database = PostgresServer.shared().newTarget();
    private final Login login = GrantedLogins.target(database);
    private final Database control = login.database("test");
    private final ReplicationStream stream =
            stream(
                    Direction.FORWARD,
                    Backfill.WINDOWS,
                    ExistingRows.READ,
                    KEYS,
                    SchemaChange.Setting.STANDARD);
    private final TablesToRead toRead = new TablesToRead(stream, 1);
    private final SchemaPause pause = new SchemaPause(stream, 1, toRead);

    private ReplicationStream stream(
            Direction direction,
            Backfill backfill,
            ExistingRows existing,
            Optional<KeyOrigin> keyOfAddress,
            SchemaChange.Setting schemaChange) {
        Endpoint endpoint = login.endpoint();
        ReplicationStream.Side side = new ReplicationStream.Side(endpoint, control);
        return new ReplicationStream(
                direction,
                "m",
                side,
                side,
                new ReplicationStream.Tables(
                        List.of(
                                mapping(PERSON, USERS.withPart("person"), KEYS),
                                mapping(ADDRESS, USERS.withPart("address"), keyOfAddress)),
                        List.of(captured(PERSON), captured(ADDRESS))),
                new ReplicationStream.Settings(
                        1,
                        Map.of(),
                        Map.of(),
                        ReplicaRole.REPLICA,
                        Path.of("state"),
                        LogRetention.Policy.of(Kafka.DEFAULT_RETENTION),
                        backfill,
                        existing,
                        IndexSetting.KEEP,
                        RejectedLimit.standard(),
                        ReplicationStream.Settings.DEFINITIONS,
                        schemaChange));
    }

    private static CapturedTable captured(TableId table) {
        return new CapturedTable(
                new Relation(table, List.of(column("id"), column("a"), column("b")), List.of("id")),
                false);
    }

    private static Relation.Column column(String name) {
        return new Relation.Column(
                name,
                new Relation.SqlType("pg_catalog", "text", "text", -1, Optional.empty()),
                true,
                false,
                Relation.Collation.NONE);
    }

    private static Mapping mapping(TableId source, TableId target, Optional<KeyOrigin> origin) {
        RowSchema key = RowSchema.keyed(target, List.of("id"), List.of("id"));
        RowMapper mapper =
                new RowMapper() {
                    @Override
                    public MappedRow map(Row row) {
                        return new MappedRow.Upsert(key(row));
                    }

                    @Override
                    public Row key(Row row) {
                        return Row.of(key, row.text(0));
                    }

                    @Override
                    public Optional<Set<String>> reads() {
                        return Optional.of(Set.of("a"));
                    }

                    @Override
                    public Optional<KeyOrigin> keyOrigin() {
                        return origin;
                    }
                };
        return new Mapping(source, key, List.of(column("id").type()), "", "", mapper);
    }

    @BeforeEach
    void createControlSchema() throws SQLException {
        ControlSchema.migrate(() -> control.connect("control"));
    }

    @AfterEach
    void close() {
        control.close();
    }

    private String sourceChange() {
        return String.valueOf(database.value("SELECT source_change FROM millrace.stopped_table"));
    }

    @Test
    void aTargetContinuesWhenBothOfItsSourceTablesAreRestored() throws SQLException {
        pause.pause(PERSON, ACCEPTED);
        pause.pause(ADDRESS, new Change("column b: x → y", Remedy.ACCEPT));
        assertThat(database.value("SELECT count(*) FROM millrace.stopped_table")).isEqualTo("1");

        pause.restored(List.of(PERSON), List.of(ADDRESS));
        assertThat(sourceChange()).isEqualTo("column b: x → y");
        pause.restored(List.of(PERSON, ADDRESS), List.of());

        assertThat(sourceChange()).isEqualTo("null");
        assertThat(database.value("SELECT shape FROM millrace.stopped_table"))
                .as("it continues by itself")
                .isEqualTo("restored");
    }

    @Test
    void whatTheStreamLacksIsReadAfterEveryLossThatIsFoundMeanwhile() throws SQLException {
        UUID operation = UUID.randomUUID();
        assertThat(toRead.isEmpty()).as("not known yet").isFalse();
        assertThat(toRead.read()).isEmpty();
        assertThat(toRead.isEmpty()).isTrue();
        pause.pause(PERSON, ACCEPTED);
        assertThat(toRead.isEmpty()).as("nothing is lost").isTrue();

        pause.readAgain(PERSON, new Loss("partition p1", false));
        assertThat(toRead.isEmpty()).isFalse();
        toRead.cover("public.users", operation, false);
        assertThat(toRead.isOfPartitions(operation)).isTrue();
        pause.pause(ADDRESS, new Change("rewritten", Remedy.ACCEPT_AND_READ));
        assertThat(toRead.isOfPartitions(operation)).isFalse();
        toRead.done(operation);
        assertThat(toRead.read())
                .singleElement()
                .satisfies(lost -> assertThat(lost.whole()).isTrue());
        toRead.cover("public.users", operation, false);
        toRead.done(operation);

        assertThat(toRead.read()).isEmpty();
        assertThat(toRead.isEmpty()).isTrue();
    }

    @Test
    void onlyColumnsOfAMappingAndOfTheKeyAreRead() {
        assertThat(pause.reads(PERSON, "a")).isTrue();
        assertThat(pause.reads(PERSON, "id")).isTrue();
        assertThat(pause.reads(PERSON, "b")).isFalse();
        assertThat(pause.reads(PERSON, "later")).isFalse();
    }

    /// The policy of a target table precedes that of the file.
    @ParameterizedTest
    @EnumSource
    void eachChangeOfPartitionsHasItsOwnPolicy(PartitionChange change) {
        Kind kind =
                switch (change) {
                    case ATTACHED -> Kind.ATTACH_PARTITION;
                    case DETACHED -> Kind.DETACH_PARTITION;
                };
        SchemaChange pausing = new SchemaChange(Map.of(kind, Policy.PAUSE));
        SchemaChange applying = new SchemaChange(Map.of(kind, Policy.APPLY));

        assertThat(pausesFor(new SchemaChange.Setting(pausing, Map.of()))).containsExactly(change);
        assertThat(pausesFor(new SchemaChange.Setting(SchemaChange.NONE, Map.of(USERS, pausing))))
                .containsExactly(change);
        assertThat(pausesFor(new SchemaChange.Setting(pausing, Map.of(USERS, applying)))).isEmpty();
        assertThat(pausesFor(SchemaChange.Setting.STANDARD)).isEmpty();
    }

    private List<PartitionChange> pausesFor(SchemaChange.Setting setting) {
        SchemaPause asked =
                new SchemaPause(
                        stream(
                                Direction.FORWARD,
                                Backfill.WINDOWS,
                                ExistingRows.READ,
                                KEYS,
                                setting),
                        1,
                        toRead);
        return Stream.of(PartitionChange.values())
                .filter(change -> asked.pausesFor(PERSON, change))
                .toList();
    }

    /// What an operator can do instead differs.
    enum Obstacle {
        NONE(Direction.FORWARD, Backfill.WINDOWS, ExistingRows.READ, KEYS, Optional.empty()),
        ON_THE_WAY_BACK(
                Direction.REVERSE,
                Backfill.WINDOWS,
                ExistingRows.ON_BOTH_SIDES,
                KEYS,
                Optional.of("millrace complete")),
        THE_ENGINE_READS(
                Direction.FORWARD,
                Backfill.ENGINE,
                ExistingRows.READ,
                KEYS,
                Optional.of("Set 'backfill: windows'")),
        A_KEY_OF_NO_ROW(
                Direction.FORWARD,
                Backfill.WINDOWS,
                ExistingRows.READ,
                Optional.empty(),
                Optional.of("the key of target table public.users"));

        private final Direction direction;
        private final Backfill backfill;
        private final ExistingRows existing;
        private final Optional<KeyOrigin> keyOfAddress;
        private final Optional<String> instead;

        Obstacle(
                Direction direction,
                Backfill backfill,
                ExistingRows existing,
                Optional<KeyOrigin> keyOfAddress,
                Optional<String> instead) {
            this.direction = direction;
            this.backfill = backfill;
            this.existing = existing;
            this.keyOfAddress = keyOfAddress;
            this.instead = instead;
        }
    }

    @ParameterizedTest
    @EnumSource
    void saysWhyATableCannotBeReadAgain(Obstacle obstacle) {
        SchemaPause asked =
                new SchemaPause(
                        stream(
                                obstacle.direction,
                                obstacle.backfill,
                                obstacle.existing,
                                obstacle.keyOfAddress,
                                SchemaChange.Setting.STANDARD),
                        1,
                        toRead);

        Optional<String> why = asked.whyNotReadAgain(ADDRESS);

        assertThat(why.isPresent()).isEqualTo(obstacle.instead.isPresent());
        obstacle.instead.ifPresent(text -> assertThat(why.orElseThrow()).contains(text));
        assertThat(why.orElse("")).doesNotContain("millrace rebackfill");
        assertThat(asked.mayReadAgain(ADDRESS)).isEqualTo(obstacle.instead.isEmpty());
    }

    /// Without the record, the table would continue without what the stream lacks.
    @ParameterizedTest
    @EnumSource
    void everyRowIsReadAgainAfterAPauseUnlessTheStreamHasEveryChange(Remedy remedy)
            throws SQLException {
        pause.pause(PERSON, new Change("it has changed", remedy, "Begin a new migration"));

        boolean isRead =
                switch (remedy) {
                    case ACCEPT, NONE -> false;
                    case ACCEPT_AND_READ, ADD_AGAIN, RESTORE, GIVE_BACK -> true;
                };
        assertThat(toRead.read().isEmpty()).isNotEqualTo(isRead);
        String reason = String.valueOf(database.value("SELECT reason FROM millrace.stopped_table"));
        assertThat(reason)
                .startsWith("The source table public.person has changed: it has changed. ")
                .endsWith(". Other tables go on.");
        assertThat(reason.contains("millrace resume --table public.users --accept-schema"))
                .isEqualTo(remedy.isAcceptable() || remedy == Remedy.ADD_AGAIN);
        assertThat(reason.contains("Begin a new migration")).isEqualTo(remedy == Remedy.NONE);
    }
}
