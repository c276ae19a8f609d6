package dev.millrace.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.app.SecuredServers.Acl;
import dev.millrace.grants.Grants;
import dev.millrace.grants.Grants.RoleGrants;
import dev.millrace.grants.Grants.Side;
import dev.millrace.kafka.SecuredBroker;
import dev.millrace.preflight.Preflight;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import dev.millrace.stream.ReplicationStream;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.testing.Certificates;
import dev.millrace.testing.Certificates.Issued;
import dev.millrace.testing.Certificates.Period;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.resource.ResourceType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A migration between servers that accept nothing without TLS and SCRAM.
@Timeout(600)
class SecuredServersIT {

    private static final String PASSWORD = "granted-4711";
    private static final String USER = "millrace-user";

    private static final SecuredServers SERVERS = SecuredServers.shared();
    private static TestDatabase source;
    private static TestDatabase target;
    private static Issued certificate;

    private String sourceParameters = "";
    private String targetUrl = "";
    private Path kafkaPassword = Path.of("");
    private Path kafkaRoot = Path.of("");
    private String migration = "shop";

    @BeforeEach
    void takeValidSettings() throws IOException {
        sourceParameters =
                "sslmode=verify-full&channelBinding=require&sslrootcert="
                        + SERVERS.authority.root()
                        + "&sslcert="
                        + certificate.certificate()
                        + "&sslkey="
                        + certificate.keyDer();
        targetUrl =
                target.url().replace("require", "verify-full")
                        + "&sslrootcert="
                        + SERVERS.authority.root();
        kafkaRoot = SERVERS.authority.root();
        kafkaPassword =
                Files.writeString(SERVERS.authority.root().resolveSibling("password"), PASSWORD);
    }

    @BeforeAll
    static void start() throws Exception {
        source = SERVERS.createDatabase("shop");
        target = SERVERS.createDatabase("crm");
        certificate = SERVERS.authority.client(SecuredServers.CERTIFIED_ROLE);
        SERVERS.broker.user(USER, PASSWORD);
        for (Acl acl : SecuredServers.ACLS) {
            for (String prefix : List.of("shop", "_reverse_shop", "other", "_reverse_other")) {
                change(acl.type(), prefix, acl.operations(), true);
            }
        }
        source.execute(
                "CREATE ROLE shop_owner",
                "CREATE TABLE item (id bigint PRIMARY KEY, name text)",
                "ALTER TABLE item OWNER TO shop_owner",
                "INSERT INTO item SELECT g, 'n' || g FROM generate_series(1, 500) g",
                "CREATE SCHEMA app",
                "CREATE TABLE app.routing (active text NOT NULL)",
                "INSERT INTO app.routing VALUES ('source')");
        target.execute(
                "CREATE ROLE crm_owner",
                "CREATE TABLE item (id bigint PRIMARY KEY, name text)",
                "ALTER TABLE item OWNER TO crm_owner");
        SecuredServersIT first = new SecuredServersIT();
        first.takeValidSettings();
        for (RoleGrants grants : Grants.of(first.spec())) {
            TestDatabase side = grants.side() == Side.SOURCE ? source : target;
            grants.statements().forEach(side::execute);
            side.execute("ALTER ROLE \"" + grants.login() + "\" PASSWORD '" + PASSWORD + "'");
        }
    }

    private static void change(
            ResourceType type, String migration, Set<AclOperation> operations, boolean allowed) {
        SecuredBroker broker = SERVERS.broker;
        String prefix = "millrace." + migration + ".";
        if (allowed) {
            broker.allow(USER, type, prefix, operations);
        } else {
            broker.forbid(USER, type, prefix, operations);
        }
    }

    @Test
    void everySessionOfAMigrationIsEncrypted() throws Exception {
        try (MigrationAssembly assembly = LivingMigration.open(spec())) {
            LivingMigration migration = new LivingMigration(assembly.migration());
            migration.awaitPhase("IN_SYNC");
            source.execute("UPDATE item SET name = 'new' WHERE id < 20");
            migration.requireEqual();
            requireEncrypted();
            migration.move(Kind.SWITCHOVER);
            migration.awaitPhase("REVERSIBLE");
            target.execute("UPDATE item SET name = 'newer' WHERE id < 20");
            migration.requireEqual();
            requireEncrypted();
            requireAccess(AclOperation.WRITE);
            requireAccess(AclOperation.DELETE);
            migration.complete(Set.of("source-unused", "source-reads", "source-writes"));
        }
        assertThat(SERVERS.broker.topics()).noneMatch(topic -> topic.contains("shop"));
        assertThat(SERVERS.log()).doesNotContain("no encryption, ");
    }

    /// Of topics that exist, all operations are known.
    private void requireAccess(AclOperation operation) {
        change(ResourceType.TOPIC, migration, Set.of(operation), false);
        assertThat(refused())
                .hasSize(3)
                .allSatisfy(
                        found -> {
                            assertThat(found.check()).isEqualTo("kafka.privileges");
                            assertThat(found.message()).contains("may not " + operation);
                        });
        change(ResourceType.TOPIC, migration, Set.of(operation), true);
    }

    private static void requireEncrypted() {
        List<List<@Nullable String>> sessions =
                source.query(
                        "SELECT application_name, backend_type, ssl, version FROM"
                                + " pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE"
                                + " application_name LIKE 'millrace %'");
        assertThat(sessions).allSatisfy(each -> assertThat(each.get(2)).isEqualTo("t"));
        assertThat(sessions).anySatisfy(each -> assertThat(each.get(1)).isEqualTo("walsender"));
    }

    private MigrationSpec spec() {
        String text =
                """
                migration: %s
                source:
                  url: '%s?%s'
                  username: %s
                  password: %s
                target:
                  url: '%s'
                  username: apply
                  password: %s
                kafka:
                  bootstrap-servers: %s
                  partitions: 2
                  username: %s
                  password-file: '%s'
                  properties:
                    ssl.truststore.type: PEM
                    ssl.truststore.location: '%s'
                data-dir: '%s'
                tables:
                  public.item: SELECT id, name FROM public.item
                switchover:
                  route:
                  - flag: {side: source, table: app.routing, column: active, old: source, new: target}
                """
                        .formatted(
                                migration,
                                SERVERS.postgres.jdbcUrl("shop"),
                                sourceParameters,
                                SecuredServers.CERTIFIED_ROLE,
                                PASSWORD,
                                targetUrl,
                                PASSWORD,
                                SERVERS.broker.bootstrapServers(),
                                USER,
                                kafkaPassword,
                                kafkaRoot,
                                TestFolders.create("tls"));
        return switch (SpecReader.read("millrace.yaml", text, Map.of())) {
            case SpecResult.Valid valid -> valid.spec();
            case SpecResult.Invalid invalid ->
                    throw new IllegalArgumentException(invalid.problems().toString());
        };
    }

    /// Plans, and returns the findings about connections that refuse the start.
    private List<Finding> refused() {
        return refused(spec());
    }

    private static List<Finding> refused(MigrationSpec spec) {
        try (ReplicationStream.Side from = ReplicationStream.Side.of("plan", spec.source());
                ReplicationStream.Side to = ReplicationStream.Side.of("plan", spec.target())) {
            return new Preflight(from, to)
                    .run(spec).findings().stream()
                            .filter(found -> !found.status().passes())
                            .filter(found -> found.check().matches("kafka[.].*|.*[.]reachable"))
                            .toList();
        }
    }

    private void requireRefused(String check, String message, String remedy) {
        assertThat(refused())
                .singleElement()
                .satisfies(
                        found -> {
                            assertThat(found.check()).isEqualTo(check);
                            assertThat(found.message()).contains(message);
                            assertThat(found.remedy()).contains(remedy);
                        });
    }

    @Test
    void aWrongAuthorityIsNamed() {
        targetUrl =
                targetUrl.replace(
                        SERVERS.authority.root().toString(),
                        Certificates.authority().root().toString());
        requireRefused(
                "target.reachable",
                "the server's certificate is not from a trusted authority",
                "Set sslrootcert in target.url");
    }

    @Test
    void anotherHostNameIsNamed() {
        targetUrl = targetUrl.replace("127.0.0.1", "localhost");
        requireRefused(
                "target.reachable",
                "the server's certificate is for another host name",
                "Use a host name of the certificate in target.url");
    }

    @Test
    void anExpiredCertificateIsNamed() {
        SERVERS.present(SERVERS.authority.server(Period.EXPIRED));
        try {
            assertThat(refused())
                    .extracting(Finding::check)
                    .containsExactly("source.reachable", "target.reachable");
            assertThat(refused())
                    .allSatisfy(
                            found ->
                                    assertThat(found.message())
                                            .contains("the server's certificate has expired"));
        } finally {
            SERVERS.presentValid();
        }
    }

    @Test
    void aWrongAuthorityOfKafkaIsNamed() {
        kafkaRoot = Certificates.authority().root();
        requireRefused(
                "kafka.reachable",
                "the server's certificate is not from a trusted authority",
                "Set ssl.truststore.location in kafka.properties");
    }

    /// The file is read again for each connection.
    @Test
    void aWrongPasswordOfKafkaIsNamedUntilItIsRight() throws IOException {
        MigrationSpec spec = spec();
        Files.writeString(kafkaPassword, "wrong");
        assertThat(refused(spec))
                .singleElement()
                .satisfies(
                        found -> {
                            assertThat(found.check()).isEqualTo("kafka.reachable");
                            assertThat(found.message()).contains("refuses the login");
                            assertThat(found.remedy()).contains("kafka.username");
                        });

        Files.writeString(kafkaPassword, PASSWORD);
        assertThat(refused(spec)).isEmpty();
    }

    /// Nothing has been created yet. DESCRIBE follows from any other operation.
    @ParameterizedTest
    @CsvSource({
        "TOPIC, CREATE, 3",
        "TOPIC, DESCRIBE_CONFIGS, 3",
        "TOPIC, READ, 3",
        "GROUP, READ, 1",
        "GROUP, DELETE, 1",
        "TRANSACTIONAL_ID, WRITE, 1"
    })
    void aMissingAclIsNamedWithTheCommandThatAddsIt(
            ResourceType type, AclOperation operation, int objects) {
        migration = "other";
        Set<AclOperation> lacking =
                operation == AclOperation.WRITE
                        ? Set.of(AclOperation.WRITE, AclOperation.DESCRIBE)
                        : Set.of(operation);
        change(type, migration, lacking, false);
        try {
            assertThat(refused())
                    .hasSize(objects)
                    .allSatisfy(
                            found -> {
                                assertThat(found.check()).isEqualTo("kafka.privileges");
                                assertThat(found.message()).contains("may not " + operation);
                                assertThat(found.remedy())
                                        .startsWith("kafka-acls.sh --bootstrap-server 127.0.0.1:")
                                        .contains("--allow-principal User:" + USER)
                                        .endsWith(
                                                " millrace.other. --resource-pattern-type"
                                                        + " prefixed");
                            });
            assertThat(SERVERS.broker.topics()).noneMatch(topic -> topic.contains("other"));
        } finally {
            change(type, migration, lacking, true);
        }
    }

    @Test
    void aMissingClientCertificateIsNamed() {
        sourceParameters = "sslmode=verify-full&sslrootcert=" + SERVERS.authority.root();
        requireRefused(
                "source.reachable", "connection requires a valid client certificate", "sslcert");
    }

    @Test
    void aConnectionWithoutTlsIsNamed() {
        targetUrl = target.url().replace("require", "disable");
        requireRefused("target.reachable", "no encryption", "sslmode");
    }
}
