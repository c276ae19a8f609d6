package dev.millrace.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.Lsn;
import dev.millrace.change.TableId;
import dev.millrace.postgres.ConnectionLimit;
import dev.millrace.postgres.ConnectionLimit.Kind;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.OpenTransaction;
import dev.millrace.postgres.Publication;
import dev.millrace.postgres.ReplicationOrigins;
import dev.millrace.postgres.ReplicationSlot;
import dev.millrace.postgres.Server;
import dev.millrace.postgres.TableFacts;
import dev.millrace.postgres.TableFacts.ReplicaIdentity;
import dev.millrace.preflight.ConnectionChecks.ConnectionNeed;
import dev.millrace.preflight.Facts.ControlSchema;
import dev.millrace.preflight.compile.SpecCompiler.CompiledTable;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import dev.millrace.problem.Position;
import dev.millrace.spec.MigrationSpec.TableEntry;
import dev.millrace.spec.flow.StopCondition;
import dev.millrace.spec.flow.StopCondition.Consequence;
import dev.millrace.spec.flow.StopCondition.Measure;
import dev.millrace.spec.flow.StopCondition.Side;
import dev.millrace.sql.Relation;
import dev.millrace.sql.SelectStatement;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ChecksTest {

    private static final TableId USERS = new TableId("public", "users");
    private static final TableId CUSTOMER = new TableId("crm", "customer");
    private static final Position AT = new Position("millrace.yaml", 1, 1);
    private static final Server.Quota FREE = new Server.Quota(10, 1);
    private static final ReplicationOrigins ORIGINS =
            new ReplicationOrigins("max_active_replication_origins", 10, 0, List.of());

    private Server.Facts server = server("shop", 180_000, false);
    private Server.Facts targetServer = server("crm", 180_000, false);
    private Optional<String> sourceReader = Optional.empty();
    private List<StopCondition> stopWhen = List.of();
    private Optional<String> targetReader = Optional.empty();
    private Optional<ReplicationSlot> slot = Optional.empty();
    private boolean begun = true;
    private boolean replicaRole = true;
    private Optional<Publication> publication = Optional.empty();
    private ControlSchema control = ControlSchema.ABSENT;
    private TableFacts target = table(CUSTOMER, List.of());
    private TableFacts source = table(USERS, List.of());

    private static Server.Facts server(String database, int version, boolean recovering) {
        return server(database, version, recovering, List.of(), List.of());
    }

    private static Server.Facts server(
            String database,
            int version,
            boolean recovering,
            List<ConnectionLimit> connections,
            List<OpenTransaction> transactions) {
        return server(
                database,
                version,
                recovering,
                connections,
                transactions,
                OptionalLong.empty(),
                OptionalLong.empty());
    }

    private static Server.Facts server(
            String database,
            int version,
            boolean recovering,
            List<ConnectionLimit> connections,
            List<OpenTransaction> transactions,
            OptionalLong slotKeepBytes,
            OptionalLong slotIdleSeconds) {
        return new Server.Facts(
                version,
                String.valueOf(version),
                "UTF8",
                database,
                recovering,
                "logical",
                FREE,
                FREE,
                slotKeepBytes,
                slotIdleSeconds,
                Optional.of("7"),
                OptionalInt.of(1),
                Optional.empty(),
                new Server.Role("millrace", false, true, true, true, true, true),
                connections,
                transactions);
    }

    private static Server.Facts shop(
            String systemIdentifier,
            String encoding,
            String walLevel,
            Server.Quota slots,
            Server.Quota senders,
            String outputPlugins) {
        return new Server.Facts(
                180_000,
                "18",
                encoding,
                "shop",
                false,
                walLevel,
                slots,
                senders,
                OptionalLong.empty(),
                OptionalLong.empty(),
                Optional.of(systemIdentifier),
                OptionalInt.of(1),
                Optional.of(outputPlugins),
                new Server.Role("millrace", false, true, true, true, true, true),
                List.of(),
                List.of());
    }

    private static TableFacts table(TableId id, List<String> replicaTriggers) {
        return table(id, replicaTriggers, false);
    }

    private static TableFacts table(TableId id, List<String> replicaTriggers, boolean unique) {
        return new TableFacts(
                id,
                TableFacts.Kind.TABLE,
                TableFacts.Persistence.PERMANENT,
                Optional.empty(),
                new TableFacts.Keys(ReplicaIdentity.DEFAULT, List.of("id"), List.of("id")),
                new TableFacts.Columns(
                        List.of(), List.of(), List.of("email"), List.of(), List.of()),
                new TableFacts.Dependents(
                        List.of(),
                        List.of(),
                        List.of(),
                        replicaTriggers.stream()
                                .map(name -> new TableFacts.Member(id, name))
                                .toList(),
                        List.of(),
                        unique,
                        List.of(),
                        TableFacts.Rules.NONE),
                new TableFacts.Access(
                        "millrace", true, true, true, true, true, true, false, List.of()),
                OptionalLong.empty(),
                0,
                List.of());
    }

    private static ReplicationSlot slot(String plugin, String walStatus, OptionalInt pid) {
        return new ReplicationSlot(
                "millrace_shop",
                Optional.of(plugin),
                Optional.of("shop"),
                pid,
                Optional.of(Lsn.ZERO),
                Optional.of(walStatus),
                OptionalLong.empty(),
                Optional.empty());
    }

    private SelectStatement statement() {
        return SelectStatement.copying("tables", AT, source.id(), List.of("id"));
    }

    private List<Finding> open() {
        Facts facts =
                new Facts(
                        new Facts.Source(
                                server,
                                "millrace_shop",
                                slot,
                                "millrace_shop",
                                publication,
                                Map.of(source.id(), source)),
                        new Facts.Target(
                                targetServer,
                                replicaRole,
                                control,
                                Map.of(target.id(), target),
                                Set.of(),
                                begun,
                                Set.of()),
                        new Facts.Switchover(
                                ControlSchema.ABSENT,
                                true,
                                ORIGINS,
                                ORIGINS,
                                Optional.empty(),
                                "millrace__reverse_shop",
                                Optional.empty()),
                        List.of(
                                new CompiledTable(
                                        new TableEntry.Select(target.id(), statement(), AT),
                                        new Relation(source.id(), List.of(), List.of("id")),
                                        new Relation(target.id(), List.of(), List.of("id")),
                                        Optional.empty(),
                                        Map.of())));
        return Stream.of(
                        SourceServerChecks.ALL,
                        SourceTableChecks.ALL,
                        TargetChecks.ALL,
                        TargetPrivilegeChecks.ALL,
                        ConnectionChecks.of(sourceReader, targetReader, stopWhen),
                        SwitchoverChecks.ALL,
                        SwitchoverTableChecks.ALL)
                .flatMap(List::stream)
                .flatMap(check -> check.judge(facts).stream())
                .filter(found -> found.status() != Status.OK)
                .toList();
    }

    private Finding only() {
        assertThat(open()).hasSize(1);
        return open().getFirst();
    }

    @Test
    void acceptsServersThatMeetEveryRequirement() {
        assertThat(open()).isEmpty();
    }

    @Test
    void refusesStandbyAsSourceAndAsTarget() {
        server = server("shop", 180_000, true);
        assertThat(only().check()).isEqualTo("source.primary");
        assertThat(only().message()).isEqualTo("is a standby, where no publication can be created");

        server = server("shop", 180_000, false);
        targetServer = server("crm", 180_000, true);
        assertThat(only().check()).isEqualTo("target.primary");
        assertThat(only().message()).isEqualTo("is a standby, which accepts no writes");
    }

    @Test
    void refusesOldServerAndWarnsOfUntestedVersion() {
        server = server("shop", 130_000, false);
        assertThat(only().status()).isEqualTo(Status.REFUSED);

        server = server("shop", 140_000, false);
        assertThat(open()).isEmpty();

        server = server("shop", 190_000, false);
        assertThat(only().status()).isEqualTo(Status.WARNING);
    }

    @Test
    void refusesEncodingOtherThanUtf8() {
        server = shop("7", "LATIN1", "logical", FREE, FREE, "pgoutput");
        assertThat(only().check()).isEqualTo("source.encoding");

        server = server("shop", 180_000, false);
        targetServer = shop("8", "SQL_ASCII", "logical", FREE, FREE, "pgoutput");
        assertThat(only().check()).isEqualTo("target.encoding");
    }

    @Test
    void refusesSlotOfAnotherOwnerOrLostSlot() {
        slot = Optional.of(slot("pgoutput", "reserved", OptionalInt.empty()));
        assertThat(open()).isEmpty();

        slot = Optional.of(slot("pgoutput", "lost", OptionalInt.empty()));
        assertThat(only().message()).contains("invalidated");
        assertThat(only().status()).as("the service must start for this").isEqualTo(Status.WARNING);
        assertThat(only().remedy()).contains("millrace rebackfill");

        slot = Optional.of(slot("wal2json", "reserved", OptionalInt.empty()));
        assertThat(only().message()).contains("something else");

        slot = Optional.of(slot("pgoutput", "reserved", OptionalInt.of(1)));
        assertThat(only().status()).isEqualTo(Status.WARNING);

        begun = false;
        assertThat(only().message()).contains("no migration of this name has started");
        assertThat(only().status()).isEqualTo(Status.REFUSED);
    }

    @Test
    void refusesSlotOfAnotherDatabaseOrInvalidatedSlot() {
        slot = Optional.of(slot("pgoutput", "reserved", OptionalInt.empty()));
        server = server("other", 180_000, false);
        assertThat(only().message()).contains("something else");

        server = server("shop", 180_000, false);
        slot =
                Optional.of(
                        new ReplicationSlot(
                                "millrace_shop",
                                Optional.of("pgoutput"),
                                Optional.of("shop"),
                                OptionalInt.empty(),
                                Optional.of(Lsn.ZERO),
                                Optional.of("reserved"),
                                OptionalLong.empty(),
                                Optional.of("idle_timeout")));
        assertThat(only().message()).contains("invalidated");
    }

    @Test
    void refusesSourceWithoutLogicalDecodingOrFreeSlotAndSender() {
        Server.Quota none = new Server.Quota(10, 10);
        server = shop("7", "UTF8", "replica", FREE, FREE, "pgoutput");
        assertThat(only().check()).isEqualTo("source.wal-level");

        server = shop("7", "UTF8", "logical", FREE, FREE, "wal2json, test_decoding");
        assertThat(only().check()).isEqualTo("source.output-plugin");

        server = shop("7", "UTF8", "logical", none, FREE, "wal2json, $libdir/pgoutput");
        assertThat(only().check()).isEqualTo("source.slot");

        server = shop("7", "UTF8", "logical", FREE, none, "pgoutput");
        assertThat(only().check()).isEqualTo("source.wal-sender");
        slot = Optional.of(slot("pgoutput", "reserved", OptionalInt.of(1)));
        assertThat(only().check())
                .as("the WAL sender in use is the migration's")
                .isEqualTo("source.slot");
    }

    @Test
    void warnsOfASettingThatInvalidatesTheSlot() {
        server =
                server(
                        "shop",
                        180_000,
                        false,
                        List.of(),
                        List.of(),
                        OptionalLong.empty(),
                        OptionalLong.of(3_600));
        assertThat(only().check()).isEqualTo("source.idle-slot");
        assertThat(only().status()).isEqualTo(Status.WARNING);
        assertThat(only().message()).startsWith("is 3600 s: if the service is down for longer");
    }

    @Test
    void refusesTooSmallConnectionLimitWithRequiredNumber() {
        // Both databases are on one server here, with one role.
        int both = ConnectionNeed.SOURCE + ConnectionNeed.TARGET;
        server = limited(new ConnectionLimit(Kind.ROLE, "few", both, 0, false, 0));
        assertThat(open()).isEmpty();

        server = limited(new ConnectionLimit(Kind.ROLE, "few", both, 1, false, 0));
        assertThat(only().message())
                .contains(both + " connections", "others use 1", "needs " + both);
        assertThat(only().remedy())
                .isEqualTo("ALTER ROLE \"few\" CONNECTION LIMIT " + (both + 1) + ";");

        server = limited(new ConnectionLimit(Kind.ROLE, "few", both, 0, true, 0));
        assertThat(only().message()).contains("needs " + (both + 1));

        server = limited(new ConnectionLimit(Kind.SERVER, "", both, 1, false, 0));
        assertThat(only().object()).isEqualTo("max_connections");

        // The source's database has its own limit.
        server =
                limited(
                        new ConnectionLimit(
                                Kind.DATABASE, "shop", ConnectionNeed.SOURCE, 0, false, 0));
        assertThat(open()).isEmpty();
        server = limited(new ConnectionLimit(Kind.DATABASE, "shop", 3, 0, false, 0));
        assertThat(only().message()).contains("needs " + ConnectionNeed.SOURCE);
    }

    @Test
    void eachSelectOfAStopConditionIsCountedOnItsSide() {
        stopWhen =
                List.of(
                        jobs("one", Side.SOURCE, "SELECT 1"),
                        jobs("same", Side.SOURCE, "SELECT 1"),
                        jobs("two", Side.SOURCE, "SELECT 2"),
                        jobs("three", Side.TARGET, "SELECT 1"));

        assertNeeds(Kind.DATABASE, ConnectionNeed.SOURCE + 2);
        assertNeeds(Kind.SERVER, ConnectionNeed.SOURCE + ConnectionNeed.TARGET + 3);
    }

    private static StopCondition jobs(String name, Side on, String statement) {
        return new StopCondition(
                name,
                new Measure.Scalar(on, statement),
                1,
                StopCondition.SUSTAINED,
                Consequence.BLOCK_SWITCHOVER);
    }

    /// The limit of a role counts only its own connections; a login has its pool.
    @Test
    void loginOfComparisonsIsCountedForItsRoleAndForItsDatabase() {
        int both = ConnectionNeed.SOURCE + ConnectionNeed.TARGET;
        sourceReader = Optional.of("reader");
        int main = both - ConnectionNeed.COMPARISON;
        assertNeeds(Kind.ROLE, main);
        assertNeeds(Kind.DATABASE, ConnectionNeed.SOURCE + Database.POOL_SIZE);
        assertNeeds(Kind.SERVER, both + Database.POOL_SIZE);

        targetReader = Optional.of("reader");
        assertNeeds(Kind.ROLE, both - 2 * ConnectionNeed.COMPARISON);
        assertNeeds(Kind.SERVER, both + 2 * Database.POOL_SIZE);

        // Not another role: its limit counts all.
        sourceReader = Optional.of("millrace");
        assertNeeds(Kind.ROLE, main + Database.POOL_SIZE);
    }

    private void assertNeeds(Kind kind, int needed) {
        server = limited(new ConnectionLimit(kind, "shop", needed, 0, false, 0));
        assertThat(open()).isEmpty();
        server = limited(new ConnectionLimit(kind, "shop", needed - 1, 0, false, 0));
        assertThat(only().message()).endsWith("needs " + needed);
    }

    private static Server.Facts limited(ConnectionLimit limit) {
        return server("shop", 180_000, false, List.of(limit), List.of());
    }

    @Test
    void warnsOfOpenTransactionsOfAnyDatabaseBeforeSlotCreation() {
        server =
                server(
                        "shop",
                        180_000,
                        false,
                        List.of(),
                        List.of(
                                new OpenTransaction("it's", OptionalInt.empty(), "other", 90),
                                new OpenTransaction("", OptionalInt.of(4711), "shop", 61)));

        assertThat(open())
                .extracting(found -> found.status() + " " + found.object())
                .containsExactly(
                        "WARNING prepared transaction 'it''s'",
                        "WARNING transaction of session 4711");
        assertThat(open().getFirst().message()).contains("90 s in database other");
        assertThat(open().getFirst().remedy())
                .isEqualTo(
                        "ROLLBACK PREPARED 'it''s'; -- In database other. Alternatively: COMMIT"
                                + " PREPARED 'it''s';");

        slot = Optional.of(slot("pgoutput", "reserved", OptionalInt.empty()));
        assertThat(open()).isEmpty();
    }

    @Test
    void warnsOfUniqueConstraintsUnlessTheRoleMaySetTheReplicaRole() {
        target = table(CUSTOMER, List.of(), true);
        assertThat(open()).isEmpty();

        replicaRole = false;
        assertThat(only().message()).endsWith("are on crm.customer");
        assertThat(only().status()).isEqualTo(Status.WARNING);
        assertThat(only().remedy())
                .isEqualTo("GRANT SET ON PARAMETER session_replication_role TO \"millrace\";");
        targetServer = server("crm", 140_000, false);
        assertThat(only().remedy())
                .isEqualTo(
                        "ALTER ROLE \"millrace\" SUPERUSER; -- Before PostgreSQL 15 only a superuser may"
                                + " set it, and a superuser may do everything.");

        target = table(CUSTOMER, List.of());
        assertThat(open()).isEmpty();
    }

    @Test
    void acceptsOnlyPublicationWithExactlyTheDeclaredTables() {
        publication = Optional.of(publication(List.of(USERS), false, true, true));
        assertThat(open()).isEmpty();

        for (Publication wrong :
                List.of(
                        publication(List.of(USERS, CUSTOMER), false, true, true),
                        publication(List.of(), false, true, true),
                        publication(List.of(USERS), true, true, true),
                        publication(List.of(USERS), false, false, true),
                        publication(List.of(USERS), false, true, false))) {
            publication = Optional.of(wrong);
            assertThat(only().check()).as(wrong.toString()).isEqualTo("source.publication");
            assertThat(only().status()).isEqualTo(Status.WARNING);
            assertThat(only().remedy()).contains("millrace rebackfill");
            begun = false;
            assertThat(only().status()).isEqualTo(Status.REFUSED);
            assertThat(only().message())
                    .startsWith("exists, but does not publish ")
                    .containsAnyOf(
                            "exactly the declared tables with all rows and columns",
                            "every operation through the partition root");
            begun = true;
        }
    }

    private static Publication publication(
            List<TableId> tables, boolean narrowed, boolean everyOperation, boolean viaRoot) {
        return new Publication(tables, false, narrowed, everyOperation, viaRoot, true, true);
    }

    @Test
    void refusesTriggerThatFiresInEverySession() {
        target = table(CUSTOMER, List.of("audit"));

        assertThat(only().message()).contains("audit");
    }

    @Test
    void refusesTableThatIsSourceAndTarget() {
        target = table(USERS, List.of());
        assertThat(open()).isEmpty();

        targetServer = server;

        assertThat(only().check()).isEqualTo("target.distinct-database");
    }

    @Test
    void acceptsDatabasesOfTheSameNameOnTwoServers() {
        target = table(USERS, List.of());
        targetServer = shop("8", "UTF8", "logical", FREE, FREE, "pgoutput");

        assertThat(open()).isEmpty();
    }

    @Test
    void refusesLockedOrForeignControlSchema() {
        control = ControlSchema.LOCKED;
        assertThat(only().check()).isEqualTo("target.control-schema");

        control = ControlSchema.FOREIGN;
        assertThat(only().check()).isEqualTo("target.control-schema");

        control = ControlSchema.OURS;
        assertThat(open()).isEmpty();
    }
}
