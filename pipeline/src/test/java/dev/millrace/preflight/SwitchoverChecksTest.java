package dev.millrace.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.apply.ApplierSettings;
import dev.millrace.change.Lsn;
import dev.millrace.change.TableId;
import dev.millrace.postgres.Publication;
import dev.millrace.postgres.ReplicationOrigins;
import dev.millrace.postgres.ReplicationSlot;
import dev.millrace.postgres.Server;
import dev.millrace.postgres.TableFacts;
import dev.millrace.postgres.TableFacts.Foreign;
import dev.millrace.postgres.TableFacts.ReplicaIdentity;
import dev.millrace.preflight.Facts.ControlSchema;
import dev.millrace.preflight.compile.SpecCompiler.CompiledTable;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Finding.Status;
import dev.millrace.problem.Position;
import dev.millrace.spec.MigrationSpec.TableEntry;
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

class SwitchoverChecksTest {

    private static final TableId USERS = new TableId("public", "users");
    private static final TableId CUSTOMER = new TableId("crm", "customer");
    private static final Position AT = new Position("millrace.yaml", 1, 1);
    private static final Server.Quota FREE = new Server.Quota(10, 9);
    private static final Server.Role ABLE =
            new Server.Role("millrace", false, true, true, true, true, true);
    private static final int NEEDED =
            ReplicationOrigins.most(ApplierSettings.Limits.standard().writers());
    private static final String ORIGINS = "max_active_replication_origins";
    private static final String REVERSE = "millrace__reverse_shop";

    private Server.Facts source = server("1", "shop", 180_000, "logical", FREE, FREE, ABLE);
    private Server.Facts target = server("2", "crm", 180_000, "logical", FREE, FREE, ABLE);
    private Optional<ReplicationSlot> forwardSlot = Optional.empty();
    private Facts.Switchover switchover = switchover(ControlSchema.ABSENT, true, Optional.empty());
    private TableFacts users = table(USERS, List.of(), key(List.of("id")), List.of());
    private TableFacts customer = table(CUSTOMER, List.of(), key(List.of("id")), List.of());

    private static Server.Facts server(
            String identifier,
            String database,
            int version,
            String walLevel,
            Server.Quota slots,
            Server.Quota senders,
            Server.Role role) {
        return new Server.Facts(
                version,
                String.valueOf(version),
                "UTF8",
                database,
                false,
                walLevel,
                slots,
                senders,
                OptionalLong.empty(),
                OptionalLong.empty(),
                Optional.of(identifier),
                OptionalInt.of(1),
                Optional.empty(),
                role,
                List.of(),
                List.of());
    }

    private static Facts.Switchover switchover(
            ControlSchema control, boolean replicaRole, Optional<ReplicationSlot> reverse) {
        return new Facts.Switchover(
                control,
                replicaRole,
                origins(0),
                origins(0),
                reverse,
                REVERSE,
                reverse.map(_ -> publication(true)));
    }

    private static Publication publication(boolean owned) {
        return new Publication(List.of(), false, false, true, true, true, owned);
    }

    private static ReplicationOrigins origins(int used, String... forbidden) {
        return new ReplicationOrigins(ORIGINS, used + NEEDED, used, List.of(forbidden));
    }

    private static TableFacts.Keys key(List<String> replica) {
        return new TableFacts.Keys(ReplicaIdentity.INDEX, List.of("id"), replica);
    }

    private static TableFacts table(
            TableId id, List<Foreign> foreign, TableFacts.Keys keys, List<String> triggers) {
        return new TableFacts(
                id,
                TableFacts.Kind.TABLE,
                TableFacts.Persistence.PERMANENT,
                Optional.empty(),
                keys,
                new TableFacts.Columns(List.of(), List.of(), List.of(), List.of(), List.of()),
                new TableFacts.Dependents(
                        List.of(),
                        List.of(),
                        triggers,
                        List.of(),
                        List.of(),
                        false,
                        List.of(),
                        TableFacts.Rules.NONE),
                new TableFacts.Access(
                        "owner", foreign.isEmpty(), true, true, true, true, true, false, foreign),
                OptionalLong.empty(),
                0,
                List.of());
    }

    private static ReplicationSlot slot(OptionalInt pid) {
        return new ReplicationSlot(
                "millrace_shop",
                Optional.of("pgoutput"),
                Optional.of("shop"),
                pid,
                Optional.of(Lsn.ZERO),
                Optional.of("reserved"),
                OptionalLong.empty(),
                Optional.empty());
    }

    private List<Finding> warned() {
        Facts facts =
                new Facts(
                        new Facts.Source(
                                source,
                                "millrace_shop",
                                forwardSlot,
                                "millrace_shop",
                                Optional.empty(),
                                Map.of(USERS, users)),
                        new Facts.Target(
                                target,
                                true,
                                ControlSchema.ABSENT,
                                Map.of(CUSTOMER, customer),
                                Set.of(),
                                false,
                                Set.of()),
                        switchover,
                        List.of(
                                new CompiledTable(
                                        new TableEntry.Select(
                                                CUSTOMER,
                                                SelectStatement.copying(
                                                        "tables", AT, USERS, List.of("id")),
                                                AT),
                                        new Relation(USERS, List.of(), List.of("id")),
                                        new Relation(CUSTOMER, List.of(), List.of("id")),
                                        Optional.empty(),
                                        Map.of())));
        List<Finding> warned =
                Stream.of(SwitchoverChecks.ALL, SwitchoverTableChecks.ALL)
                        .flatMap(List::stream)
                        .flatMap(check -> check.judge(facts).stream())
                        .filter(found -> found.status() != Status.OK)
                        .toList();
        assertThat(warned).allMatch(found -> found.status() == Status.WARNING);
        assertThat(warned).allMatch(found -> found.check().startsWith("switchover."));
        return warned;
    }

    private Finding only() {
        assertThat(warned()).hasSize(1);
        return warned().getFirst();
    }

    @Test
    void acceptsServersThatHaveExactlyWhatIsNeeded() {
        assertThat(warned()).isEmpty();
    }

    @Test
    void warnsOfTargetWithoutDecodingSlotOrSender() {
        Server.Quota none = new Server.Quota(10, 10);
        target = server("2", "crm", 180_000, "replica", FREE, FREE, ABLE);
        assertThat(only().check()).isEqualTo("switchover.target-wal-level");

        target = server("2", "crm", 180_000, "logical", none, FREE, ABLE);
        assertThat(only().check()).isEqualTo("switchover.target-slots");
        assertThat(only().remedy())
                .isEqualTo(
                        "ALTER SYSTEM SET max_replication_slots = 11; -- Then restart the target"
                                + " server.");
        switchover = switchover(ControlSchema.OURS, true, Optional.of(slot(OptionalInt.empty())));
        assertThat(warned()).as("the reverse stream has its slot").isEmpty();

        target = server("2", "crm", 180_000, "logical", FREE, none, ABLE);
        assertThat(only().check()).isEqualTo("switchover.target-senders");
        switchover = switchover(ControlSchema.OURS, true, Optional.of(slot(OptionalInt.of(7))));
        assertThat(warned()).as("the sender in use is the reverse stream's").isEmpty();
    }

    @Test
    void bothStreamsCountOnOneServer() {
        target = server("1", "crm", 180_000, "logical", FREE, FREE, ABLE);

        assertThat(warned())
                .extracting(found -> found.check() + " " + found.object())
                .containsExactly(
                        "switchover.target-slots max_replication_slots",
                        "switchover.target-senders max_wal_senders",
                        "switchover.origins " + ORIGINS,
                        "switchover.origins " + ORIGINS);
        assertThat(warned().getFirst().message()).contains("needs 2 more");

        forwardSlot = Optional.of(slot(OptionalInt.of(7)));
        assertThat(warned())
                .extracting(Finding::check)
                .containsOnly("switchover.origins")
                .hasSize(2);
    }

    @Test
    void warnsOfOriginsOfOthersWithTheNumberThatIsNeeded() {
        switchover =
                new Facts.Switchover(
                        ControlSchema.ABSENT,
                        true,
                        origins(3),
                        new ReplicationOrigins(ORIGINS, 3, 4 - NEEDED, List.of()),
                        Optional.empty(),
                        REVERSE,
                        Optional.empty());

        assertThat(only().message())
                .startsWith("allows 3 replication origins on the target")
                .contains("needs " + NEEDED);
        assertThat(only().remedy())
                .isEqualTo(
                        "ALTER SYSTEM SET max_active_replication_origins = 4; -- Then restart the"
                                + " target server.");
    }

    @Test
    void warnsOfMissingPrivilegesOfEachSide() {
        Server.Role unable = new Server.Role("bare", false, false, false, false, true, false);
        source = server("1", "shop", 180_000, "logical", FREE, FREE, unable);
        target = server("2", "crm", 180_000, "logical", FREE, FREE, unable);
        switchover =
                new Facts.Switchover(
                        ControlSchema.ABSENT,
                        true,
                        origins(0, "pg_replication_origin_create(text)"),
                        origins(0, "pg_replication_origin_session_reset()"),
                        Optional.empty(),
                        REVERSE,
                        Optional.empty());

        assertThat(warned())
                .extracting(found -> found.check() + ": " + found.remedy())
                .containsExactly(
                        "switchover.target-replication-role: ALTER ROLE \"bare\" REPLICATION; -- On a"
                                + " managed service: GRANT \"rds_replication\" TO \"bare\";",
                        "switchover.target-publication: GRANT CREATE ON DATABASE \"crm\" TO"
                                + " \"bare\";",
                        "switchover.origin-functions: GRANT EXECUTE ON FUNCTION"
                                + " pg_catalog.pg_replication_origin_create(text) TO \"bare\"; -- In"
                                + " database shop.",
                        "switchover.origin-functions: GRANT EXECUTE ON FUNCTION"
                                + " pg_catalog.pg_replication_origin_session_reset() TO \"bare\"; --"
                                + " In database crm.",
                        "switchover.control-schema: CREATE SCHEMA millrace AUTHORIZATION \"bare\";",
                        "switchover.temporary-tables: GRANT TEMPORARY ON DATABASE \"shop\" TO"
                                + " \"bare\";",
                        "switchover.activity: GRANT \"pg_read_all_stats\" TO \"bare\";",
                        "switchover.activity: GRANT \"pg_read_all_stats\" TO \"bare\";");

        switchover = switchover(ControlSchema.OURS, true, Optional.of(slot(OptionalInt.of(7))));
        assertThat(warned())
                .as("the schema, and the publication of the reverse stream, exist")
                .extracting(Finding::check)
                .doesNotContain("switchover.target-publication", "switchover.control-schema");
    }

    @Test
    void warnsOfLockedOrForeignControlSchemaOnTheSource() {
        switchover = switchover(ControlSchema.LOCKED, true, Optional.empty());
        assertThat(only().remedy()).isEqualTo("ALTER SCHEMA millrace OWNER TO \"millrace\";");

        switchover = switchover(ControlSchema.FOREIGN, true, Optional.empty());
        assertThat(only().check()).isEqualTo("switchover.control-schema");
        assertThat(only().message()).contains("tables that are not Millrace's");
    }

    @Test
    void warnsOncePerOwnerWithTheGrantOfItsRights() {
        List<Foreign> owned =
                Stream.of("a", "b", "c", "d")
                        .map(name -> new Foreign(new TableId("public", name), "app", false))
                        .toList();
        users = table(USERS, owned, key(List.of("id")), List.of());

        assertThat(only().object()).isEqualTo("tables of app");
        assertThat(only().message()).contains("public.a, public.b, public.c and 1 more");
        assertThat(only().remedy()).isEqualTo("GRANT \"app\" TO \"millrace\" WITH INHERIT TRUE;");

        source = server("1", "shop", 150_000, "logical", FREE, FREE, ABLE);
        assertThat(only().remedy()).isEqualTo("GRANT \"app\" TO \"millrace\";");

        Server.Role apart = new Server.Role("m", false, true, true, true, false, true);
        source = server("1", "shop", 150_000, "logical", FREE, FREE, apart);
        assertThat(only().remedy()).isEqualTo("GRANT \"app\" TO \"m\"; ALTER ROLE \"m\" INHERIT;");
    }

    @Test
    void proposesNoMembershipInASuperuser() {
        customer =
                table(
                        CUSTOMER,
                        List.of(new Foreign(CUSTOMER, "postgres", true)),
                        key(List.of("id")),
                        List.of());

        assertThat(only().check()).isEqualTo("switchover.target-ownership");
        assertThat(only().remedy())
                .isEqualTo("ALTER TABLE \"crm\".\"customer\" OWNER TO \"millrace\";");
    }

    @Test
    void warnsOfTriggersThatActOnRowsOfTheReverseStream() {
        users = table(USERS, List.of(), key(List.of("id")), List.of("audit"));
        assertThat(warned()).isEmpty();

        switchover = switchover(ControlSchema.ABSENT, false, Optional.empty());
        assertThat(only().check()).isEqualTo("switchover.source-triggers");
        assertThat(only().remedy())
                .isEqualTo("GRANT SET ON PARAMETER session_replication_role TO \"millrace\";");

        source = server("1", "shop", 140_000, "logical", FREE, FREE, ABLE);
        assertThat(only().remedy())
                .isEqualTo(
                        "ALTER ROLE \"millrace\" SUPERUSER; -- Before PostgreSQL 15 only a superuser may"
                                + " set it, and a superuser may do everything.");

        users = table(USERS, List.of(), key(List.of("id")), List.of());
        assertThat(warned()).isEmpty();
    }

    @Test
    void warnsOfReplicaIdentityOtherThanTheKey() {
        customer = table(CUSTOMER, List.of(), key(List.of("email")), List.of());
        assertThat(only().check()).isEqualTo("switchover.target-replica-identity");
        assertThat(only().remedy())
                .isEqualTo("ALTER TABLE \"crm\".\"customer\" REPLICA IDENTITY DEFAULT;");

        customer =
                table(
                        CUSTOMER,
                        List.of(),
                        new TableFacts.Keys(ReplicaIdentity.NOTHING, List.of("id"), List.of()),
                        List.of());
        assertThat(only().check()).isEqualTo("switchover.target-replica-identity");

        customer =
                table(
                        CUSTOMER,
                        List.of(),
                        new TableFacts.Keys(ReplicaIdentity.FULL, List.of("id"), List.of("id")),
                        List.of());
        assertThat(warned()).isEmpty();
    }

    /// Its owner could not be changed while the reverse stream reads it.
    @Test
    void warnsOfAPublicationOfTheReverseStreamThatAnotherRoleOwns() {
        switchover = withPublication(false, Optional.empty());
        assertThat(only().check()).isEqualTo("switchover.target-publication");
        assertThat(only().object()).isEqualTo("publication " + REVERSE);
        assertThat(only().remedy())
                .isEqualTo(
                        "ALTER PUBLICATION \"%s\" OWNER TO \"millrace\"; -- As a superuser."
                                .formatted(REVERSE));

        switchover = withPublication(false, Optional.of(slot(OptionalInt.of(7))));
        assertThat(only().remedy()).startsWith("Let its owner drop it");

        switchover = withPublication(true, Optional.empty());
        assertThat(warned()).isEmpty();
    }

    private static Facts.Switchover withPublication(
            boolean owned, Optional<ReplicationSlot> reverse) {
        return new Facts.Switchover(
                ControlSchema.ABSENT,
                true,
                origins(0),
                origins(0),
                reverse,
                REVERSE,
                Optional.of(publication(owned)));
    }
}
