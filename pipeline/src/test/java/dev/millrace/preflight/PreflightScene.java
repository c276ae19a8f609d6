package dev.millrace.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.spec.MigrationSpec.Kafka;
import dev.millrace.spec.SpecReader;
import dev.millrace.spec.SpecResult;
import dev.millrace.stream.ReplicationStream.Side;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.jspecify.annotations.Nullable;

/// Two databases, a role with the documented privileges, and a migration file. Not thread-safe.
final class PreflightScene {

    private static final AtomicInteger NAMES = new AtomicInteger();
    private static final String PASSWORD = "right-4711";

    final TestDatabase source;
    final TestDatabase target;
    final String role =
            "role_" + NAMES.incrementAndGet() + "_" + Long.toString(System.nanoTime(), 36);
    private final String migration = "m" + Long.toString(System.nanoTime(), 36);
    String sourcePassword = PASSWORD;
    String targetUrl;

    /// Another line of the migration file.
    String more = "";

    /// More of the section of either side, after a comma.
    String reconcile = "";

    /// The source has a table `users` and the target a table `customer`; the role has all
    /// privileges on both.
    PreflightScene() {
        this(PostgresServer.shared().newDatabase(), PostgresServer.shared().newDatabase());
        source.execute(login());
        grant();
    }

    private PreflightScene(TestDatabase source, TestDatabase target) {
        this.source = source;
        this.target = target;
        this.targetUrl = target.url();
    }

    /// A scene whose databases are on one server.
    static PreflightScene of(TestDatabase source, TestDatabase target) {
        PreflightScene scene = new PreflightScene(source, target);
        source.execute(scene.login());
        scene.grant();
        return scene;
    }

    /// A scene whose databases are on two servers.
    static PreflightScene between(TestDatabase source, TestDatabase target) {
        PreflightScene scene = new PreflightScene(source, target);
        source.execute(scene.login());
        target.execute(scene.login());
        scene.grant();
        return scene;
    }

    private String login() {
        return "CREATE ROLE " + role + " LOGIN REPLICATION PASSWORD '" + PASSWORD + "'";
    }

    /// The target as the role opens it.
    Login onTarget() {
        return new Login(new TestDatabase(target.url(), role, PASSWORD));
    }

    private void grant() {
        for (TestDatabase each : List.of(source, target)) {
            each.execute(
                    "GRANT SET ON PARAMETER session_replication_role TO " + role,
                    "GRANT pg_read_all_stats TO " + role,
                    "GRANT CREATE ON DATABASE " + name(each) + " TO " + role,
                    "GRANT EXECUTE ON FUNCTION pg_replication_origin_create,"
                            + " pg_replication_origin_drop, pg_replication_origin_oid,"
                            + " pg_replication_origin_session_setup,"
                            + " pg_replication_origin_session_reset,"
                            + " pg_replication_origin_xact_setup TO "
                            + role);
        }
        source.execute(
                "CREATE TABLE users (id bigint PRIMARY KEY, user_name text NOT NULL, email text,"
                        + " age int)",
                "ALTER TABLE users OWNER TO " + role);
        target.execute(
                "CREATE TABLE customer (id bigint PRIMARY KEY, full_name text NOT NULL, email"
                        + " text)",
                "ALTER TABLE customer OWNER TO " + role);
    }

    static String name(TestDatabase database) {
        return String.valueOf(database.value("SELECT current_database()"));
    }

    PreflightReport plan(String tables) {
        return plan(spec(tables));
    }

    /// Checks also that nothing was created, whatever the plan says.
    PreflightReport plan(MigrationSpec spec) {
        List<@Nullable String> before = traces();
        Set<String> topics = topics(spec);
        boolean data = Files.exists(spec.dataDir());
        try (Side from = Side.of(spec.migration(), spec.source());
                Side to = Side.of(spec.migration(), spec.target())) {
            PreflightReport report = new Preflight(from, to).run(spec);
            assertThat(traces()).as(report.findings().toString()).isEqualTo(before);
            if (!topics(spec).equals(topics)) {
                // No assertion: a test that asserts again would find the topics in place.
                throw new IllegalStateException("A plan created topics: " + report.findings());
            }
            assertThat(Files.exists(spec.dataDir())).isEqualTo(data);
            return report;
        }
    }

    /// The topics of the cluster that may be this migration's.
    private static Set<String> topics(MigrationSpec spec) {
        if (!(spec.kafka() instanceof Kafka.External external)
                || !external.properties().isEmpty()) {
            return Set.of();
        }
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", external.bootstrapServers()))) {
            return admin.listTopics().names().get().stream()
                    .filter(topic -> topic.contains(spec.migration()))
                    .collect(Collectors.toSet());
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    PreflightReport plan() {
        return plan("public.customer: SELECT id, user_name AS full_name, email FROM public.users");
    }

    MigrationSpec spec(String tables) {
        String text =
                """
                migration: %s
                source: {url: '%s', username: %s, password: '%s'%s}
                target: {url: '%s', username: %s, password: '%s'%s}
                %s
                tables:
                """
                                .formatted(
                                        migration,
                                        source.url(),
                                        role,
                                        sourcePassword,
                                        reconcile,
                                        targetUrl,
                                        role,
                                        PASSWORD,
                                        reconcile,
                                        more)
                        + tables.indent(2);
        return switch (SpecReader.read("millrace.yaml", text, Map.of())) {
            case SpecResult.Valid valid -> valid.spec();
            case SpecResult.Invalid invalid ->
                    throw new IllegalArgumentException(invalid.problems().toString());
        };
    }

    String migration() {
        return migration;
    }

    /// Counts the objects that a migration could leave on both sides.
    List<@Nullable String> traces() {
        String objects =
                """
                SELECT (SELECT count(*) FROM pg_class) || '/' || (SELECT count(*) FROM pg_namespace)
                    || '/' || (SELECT count(*) FROM pg_publication) || '/' || (SELECT count(*) FROM pg_proc)
                    || '/' || (SELECT count(*) FROM pg_trigger) || '/' || (SELECT count(*) FROM pg_replication_origin)
                    || '/' || (SELECT count(*) FROM pg_replication_slots WHERE database = current_database())
                """;
        return List.of(
                String.valueOf(source.value(objects)), String.valueOf(target.value(objects)));
    }
}
