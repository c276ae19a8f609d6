package dev.millrace.app;

import dev.millrace.kafka.SecuredBroker;
import dev.millrace.sandbox.Folders;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxPostgres.StopMode;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.Certificates;
import dev.millrace.testing.Certificates.Issued;
import dev.millrace.testing.Certificates.Period;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TestFolders;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.resource.ResourceType;

/// A PostgreSQL server and a broker that accept no connection without TLS and SCRAM. The server
/// also wants the certificate of one role.
final class SecuredServers {

    /// What a user of the broker needs, as README lists it.
    record Acl(ResourceType type, Set<AclOperation> operations) {}

    static final List<Acl> ACLS =
            List.of(
                    new Acl(
                            ResourceType.TOPIC,
                            Set.of(
                                    AclOperation.CREATE,
                                    AclOperation.DESCRIBE,
                                    AclOperation.DESCRIBE_CONFIGS,
                                    AclOperation.READ,
                                    AclOperation.WRITE,
                                    AclOperation.DELETE)),
                    new Acl(
                            ResourceType.GROUP,
                            Set.of(AclOperation.DESCRIBE, AclOperation.READ, AclOperation.DELETE)),
                    new Acl(
                            ResourceType.TRANSACTIONAL_ID,
                            Set.of(AclOperation.DESCRIBE, AclOperation.WRITE)),
                    new Acl(
                            ResourceType.CLUSTER,
                            Set.of(AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS)));

    static final String CERTIFIED_ROLE = "Cap";

    final Certificates authority = Certificates.authority();
    final SandboxPostgres postgres;
    final SecuredBroker broker;
    private final Path postgresFolder = TestFolders.createInMemory("tls-postgres");
    private final Path brokerFolder = TestFolders.createInMemory("tls-kafka");

    private static final class Shared {
        static final SecuredServers INSTANCE = started();

        private static SecuredServers started() {
            try {
                SecuredServers servers = new SecuredServers();
                Runtime.getRuntime().addShutdownHook(new Thread(servers::end));
                return servers;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /// The servers for all tests of this JVM.
    static SecuredServers shared() {
        return Shared.INSTANCE;
    }

    private SecuredServers() throws IOException {
        Issued server = authority.server(Period.NOW);
        postgres =
                SandboxPostgres.start(
                        postgresFolder,
                        SandboxSettings.fast(TestFolders.postgresBinaries())
                                .with("ssl", "on")
                                .with("ssl_cert_file", server.certificate().toString())
                                .with("ssl_key_file", server.key().toString())
                                .with("ssl_ca_file", authority.root().toString()));
        Files.writeString(
                postgresFolder.resolve("data").resolve("pg_hba.conf"),
                """
                hostnossl all all all reject
                hostssl all %s all scram-sha-256 clientcert=verify-full
                hostssl all all all scram-sha-256
                """
                        .formatted(CERTIFIED_ROLE));
        database("postgres").query("SELECT pg_reload_conf()");
        broker = SecuredBroker.start(brokerFolder, server);
    }

    TestDatabase database(String name) {
        return new TestDatabase(
                postgres.jdbcUrl(name) + "?sslmode=require",
                postgres.username(),
                postgres.password());
    }

    TestDatabase createDatabase(String name) {
        postgres.createDatabase(name, "");
        return database(name);
    }

    /// Lets the server present another certificate.
    void present(Issued certificate) {
        TestDatabase any = database("postgres");
        any.execute(
                "ALTER SYSTEM SET ssl_cert_file = '" + certificate.certificate() + "'",
                "ALTER SYSTEM SET ssl_key_file = '" + certificate.key() + "'");
        any.query("SELECT pg_reload_conf()");
    }

    void presentValid() {
        TestDatabase any = database("postgres");
        any.execute("ALTER SYSTEM RESET ssl_cert_file", "ALTER SYSTEM RESET ssl_key_file");
        any.query("SELECT pg_reload_conf()");
    }

    /// What the server has logged.
    String log() throws IOException {
        return Files.readString(postgresFolder.resolve("server.log"));
    }

    private void end() {
        broker.close();
        postgres.stop(StopMode.IMMEDIATE);
        postgres.close();
        try {
            Folders.delete(brokerFolder);
            Folders.delete(postgresFolder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
