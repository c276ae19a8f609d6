package dev.millrace.preflight;

import static dev.millrace.preflight.PlantedFault.byHand;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.millrace.change.Topics;
import dev.millrace.kafka.SecuredBroker;
import dev.millrace.preflight.kafka.KafkaChecks;
import dev.millrace.preflight.plan.CheckName;
import dev.millrace.preflight.plan.Finding;
import dev.millrace.preflight.plan.Remedy.Place;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxPostgres.StopMode;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.BrokerCluster;
import dev.millrace.testing.Certificates;
import dev.millrace.testing.Certificates.Period;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PgBouncerProcess;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Every check of `plan` finds a misconfiguration that was planted on real servers, and passes
/// after its own remedy was done as it is printed.
@Timeout(900)
class PlanRemediesIT {

    @TempDir private Path folder;

    @Test
    void everyCheckHasAFault() {
        RemedyScene none = new RemedyScene(new PreflightScene());
        Set<CheckName> planted = EnumSet.noneOf(CheckName.class);
        Stream.of(
                        TableFaults.ofSource(),
                        TableFaults.ofTarget(),
                        TableFaults.ofFile(),
                        RoleFaults.ofPrivileges(),
                        RoleFaults.ofSettings(),
                        RoleFaults.ofReader(),
                        RoleFaults.ofReadersLogin(),
                        RoleFaults.ofLogin(),
                        ServerFaults.ofSettings(),
                        ServerFaults.ofStandby(none),
                        ServerFaults.ofClaims(),
                        ServerFaults.ofTransactions(""),
                        ServerFaults.ofDatabases(none),
                        List.of(distinct(), catalog()),
                        new SecurityFaults("", Certificates.authority()).faults(),
                        SecurityFaults.ofKafkasUser(Path.of("")),
                        pooled(none),
                        unreachable(),
                        topics(),
                        replication("", ""))
                .flatMap(Collection::stream)
                .map(PlantedFault::check)
                .forEach(planted::add);

        assertThat(EnumSet.complementOf(EnumSet.copyOf(planted))).isEmpty();
    }

    /// Plants all, and requires that each is found, and that none is left after the remedies.
    private static void assertEndedByRemedies(RemedyScene scene, List<PlantedFault> faults) {
        faults.forEach(fault -> fault.plant().accept(scene));
        PreflightReport report = scene.plan();
        List<Finding> toPaste = new ArrayList<>();
        for (PlantedFault fault : faults) {
            List<Finding> found = found(report, fault);
            assertThat(found).as("%s in %s", fault, report.findings()).isNotEmpty();
            for (Finding each : found) {
                assertThat(each.remedy()).as(each.toString()).isNotBlank();
                assertThat(each.value() == null)
                        .as(each.toString())
                        .isEqualTo(each.limit() == null);
                if (fault.byHand().isEmpty()) {
                    assertThat(each.place()).as(each.toString()).isNotEqualTo(Place.OPERATOR);
                    toPaste.add(each);
                }
            }
        }
        toPaste.forEach(scene::paste);
        faults.forEach(fault -> fault.byHand().ifPresent(action -> action.accept(scene)));
        scene.finish();
        Awaitility.await()
                .pollDelay(Duration.ZERO)
                .atMost(Waits.LIMIT)
                .untilAsserted(() -> assertAccepted(scene.plan(), faults));
    }

    private static List<Finding> found(PreflightReport report, PlantedFault fault) {
        return report.findings().stream()
                .filter(found -> found.check().equals(fault.check().id()))
                .filter(found -> found.object().contains(fault.object()))
                .filter(Finding::isDetailed)
                .toList();
    }

    private static void assertAccepted(PreflightReport report, List<PlantedFault> faults) {
        for (PlantedFault fault : faults) {
            assertThat(found(report, fault)).as("%s in %s", fault, report.findings()).isEmpty();
        }
        assertThat(Reported.open(report)).isEmpty();
        assertThat(report.tables()).isNotEmpty();
    }

    private static RemedyScene scene() {
        return new RemedyScene(new PreflightScene());
    }

    @Test
    void tablesOfTheSource() {
        assertEndedByRemedies(scene(), TableFaults.ofSource());
    }

    @Test
    void tablesOfTheTarget() {
        assertEndedByRemedies(scene(), TableFaults.ofTarget());
    }

    @Test
    void theFile() {
        assertEndedByRemedies(scene(), TableFaults.ofFile());
    }

    @Test
    void privileges() {
        assertEndedByRemedies(scene(), RoleFaults.ofPrivileges());
    }

    @Test
    void settingsOfRolesAndDatabases() {
        assertEndedByRemedies(scene(), RoleFaults.ofSettings());
    }

    @Test
    void theLoginThatCompares() {
        assertEndedByRemedies(scene(), RoleFaults.ofReader());
        assertEndedByRemedies(scene(), RoleFaults.ofReadersLogin());
    }

    @Test
    void logins() {
        assertEndedByRemedies(scene(), RoleFaults.ofLogin());
    }

    @Test
    void whatServersSayOfThemselves() {
        assertEndedByRemedies(scene(), ServerFaults.ofClaims());
        RemedyScene scene = scene();
        assertEndedByRemedies(scene, ServerFaults.ofTransactions(scene.databases.migration()));
        assertEndedByRemedies(ServerFaults.latin(), ServerFaults.ofDatabases(scene()));
    }

    @Test
    void settingsOfServersAndStandbys() throws Exception {
        try (SandboxPostgres server =
                SandboxPostgres.start(folder.resolve("server"), ServerFaults.settings())) {
            server.createDatabase("shop", "ENCODING 'UTF8' LOCALE 'C'");
            server.createDatabase("crm", "ENCODING 'UTF8' LOCALE 'C'");
            PreflightScene databases =
                    PreflightScene.of(database(server, "shop"), database(server, "crm"));
            RemedyScene scene = new RemedyScene(databases, server::restart);
            assertEndedByRemedies(scene, ServerFaults.ofSettings());

            server.stop(StopMode.FAST);
            Files.createFile(Path.of(dataDirectory(server)).resolve("standby.signal"));
            server.restart();
            RemedyScene primary = scene();
            primary.customers();
            assertEndedByRemedies(scene, ServerFaults.ofStandby(primary));
        }
    }

    @Test
    void unprotectedSessions() {
        Optional<String> address = SecurityFaults.ofThisMachine();
        assumeThat(address).as("this machine has an address in a network").isPresent();
        try (SandboxPostgres server =
                SandboxPostgres.start(
                        folder.resolve("server"),
                        SandboxSettings.fast(TestFolders.postgresBinaries()))) {
            server.createDatabase("shop", "ENCODING 'UTF8' LOCALE 'C'");
            server.createDatabase("crm", "ENCODING 'UTF8' LOCALE 'C'");
            assertEndedByRemedies(
                    new RemedyScene(
                            PreflightScene.of(database(server, "shop"), database(server, "crm"))),
                    new SecurityFaults(address.get(), Certificates.authority()).faults());
        }
    }

    @Test
    void aUserOfKafka() {
        Certificates authority = Certificates.authority();
        try (SecuredBroker broker =
                SecuredBroker.start(folder.resolve("kafka"), authority.server(Period.NOW))) {
            broker.user("millrace", "kafka-4711");
            RemedyScene scene = new RemedyScene(new PreflightScene(), broker);
            scene.section("kafka").put("bootstrap-servers", broker.bootstrapServers());
            List<PlantedFault> faults = SecurityFaults.ofKafkasUser(authority.root());
            faults.getFirst().plant().accept(scene);
            // What a user may not read is unknown, not empty.
            assertThat(KafkaChecks.foreignRecords(scene.spec(), false))
                    .singleElement()
                    .satisfies(
                            found -> {
                                assertThat(found.check()).isEqualTo(CheckName.KAFKA_TOPICS.id());
                                assertThat(found.status()).isEqualTo(Finding.Status.UNREACHABLE);
                                assertThat(found.object()).isEqualTo(broker.bootstrapServers());
                                assertThat(found.message()).startsWith("it is not known whether");
                            });
            assertEndedByRemedies(scene, faults);
            assertThat(broker.topics()).isEmpty();
        }
    }

    private String dataDirectory(SandboxPostgres server) {
        return folder.resolve("server").resolve("data").toString();
    }

    private static TestDatabase database(SandboxPostgres server, String name) {
        return new TestDatabase(server.jdbcUrl(name), server.username(), server.password());
    }

    private static PlantedFault distinct() {
        return byHand(
                CheckName.TARGET_DISTINCT_DATABASE,
                "public.users",
                scene -> {
                    scene.customers();
                    scene.section("target").put("url", scene.databases.source.url());
                    scene.section("tables").clear();
                    scene.entry("users", "SELECT u.* FROM public.users u");
                },
                scene -> {
                    scene.section("target").put("url", scene.databases.target.url());
                    scene.section("tables").clear();
                    scene.customers();
                });
    }

    /// A server on which roles may not read the catalog.
    private static PlantedFault catalog() {
        return byHand(
                CheckName.CATALOG,
                "source and target",
                scene -> {
                    scene.customers();
                    scene.source("REVOKE SELECT ON pg_catalog.pg_publication FROM PUBLIC");
                },
                scene -> scene.source("GRANT SELECT ON pg_catalog.pg_publication TO PUBLIC"));
    }

    @Test
    void databasesThatCannotBeUsed() {
        assertEndedByRemedies(scene(), List.of(distinct()));
        assertEndedByRemedies(scene(), List.of(catalog()));
    }

    private static List<PlantedFault> pooled(RemedyScene direct) {
        return List.of(
                byHand(
                        CheckName.SOURCE_DIRECT,
                        "source",
                        RemedyScene::customers,
                        scene -> scene.section("source").put("url", direct.databases.source.url())),
                byHand(
                        CheckName.TARGET_DIRECT,
                        "target",
                        _ -> {},
                        scene ->
                                scene.section("target").put("url", direct.databases.target.url())));
    }

    @Test
    void poolersInsteadOfServers() {
        assumeThat(PgBouncerProcess.isInstalled()).as(PgBouncerProcess.MISSING).isTrue();
        RemedyScene scene = scene();
        PreflightScene databases = scene.databases;
        try (PgBouncerProcess pooler =
                PgBouncerProcess.start(
                        List.of(
                                PgBouncerProcess.line("shop", databases.source),
                                PgBouncerProcess.line("crm", databases.target)),
                        Map.of(databases.role, databases.sourcePassword),
                        Map.of("ignore_startup_parameters", "extra_float_digits,options"))) {
            Map.of("source", "shop", "target", "crm")
                    .forEach(
                            (side, name) ->
                                    scene.section(side)
                                            .put(
                                                    "url",
                                                    pooler.database(
                                                                    name,
                                                                    databases.role,
                                                                    databases.sourcePassword)
                                                            .url()));
            assertEndedByRemedies(scene, pooled(scene));
        }
    }

    private static List<PlantedFault> unreachable() {
        return List.of(
                byHand(
                        CheckName.KAFKA_REACHABLE,
                        "127.0.0.1:1",
                        scene -> {
                            scene.customers();
                            scene.section("kafka").put("bootstrap-servers", "127.0.0.1:1");
                            scene.section("kafka")
                                    .put("properties", Map.of("security.protocol", "NONE"));
                        },
                        scene -> scene.file.remove("kafka")));
    }

    private static List<PlantedFault> topics() {
        return List.of(
                PlantedFault.pasted(
                        CheckName.KAFKA_PARTITIONS,
                        ".target",
                        scene -> {
                            scene.customers();
                            scene.section("kafka").put("partitions", 2);
                        }),
                PlantedFault.pasted(CheckName.KAFKA_TOPIC_SETTINGS, ".target", _ -> {}),
                PlantedFault.pasted(CheckName.KAFKA_TOPICS, ".changes", _ -> {}),
                byHand(
                        CheckName.KAFKA_CREATION,
                        ".position",
                        _ -> {},
                        scene -> {
                            try (Admin admin = admin()) {
                                admin.deleteTopics(
                                                List.of(
                                                        "millrace_"
                                                                + scene.databases.migration()
                                                                + "_position"))
                                        .all()
                                        .get();
                            } catch (Exception e) {
                                throw new IllegalStateException(e);
                            }
                        }));
    }

    private static Admin admin() {
        return Admin.create(Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers()));
    }

    @Test
    void kafka() throws Exception {
        assertEndedByRemedies(scene(), unreachable());

        RemedyScene scene = scene();
        String servers = KafkaServer.shared().bootstrapServers();
        scene.section("kafka").put("bootstrap-servers", servers);
        Topics names = new Topics(scene.databases.migration());
        try (Admin admin = admin();
                KafkaProducer<byte[], byte[]> producer =
                        new KafkaProducer<>(
                                Map.of("bootstrap.servers", servers),
                                new ByteArraySerializer(),
                                new ByteArraySerializer())) {
            admin.createTopics(
                            List.of(
                                    new NewTopic(names.changes(), 3, (short) 1),
                                    new NewTopic(names.target(), 3, (short) 1)
                                            .configs(Map.of("max.message.bytes", "1000")),
                                    new NewTopic(names.position().replace('.', '_'), 1, (short) 1)))
                    .all()
                    .get();
            producer.send(new ProducerRecord<>(names.changes(), new byte[1])).get();
        }
        assertEndedByRemedies(scene, topics());
    }

    private static List<PlantedFault> replication(String one, String three) {
        return List.of(
                byHand(
                        CheckName.KAFKA_REPLICATION,
                        "topics to create",
                        scene -> {
                            scene.customers();
                            scene.section("kafka").put("bootstrap-servers", one);
                        },
                        scene -> scene.section("kafka").put("bootstrap-servers", three)));
    }

    @Test
    @Tag("faults")
    void oneReplica() {
        try (BrokerCluster cluster = new BrokerCluster()) {
            assertEndedByRemedies(
                    scene(),
                    replication(
                            KafkaServer.shared().bootstrapServers(), cluster.bootstrapServers()));
        }
    }
}
