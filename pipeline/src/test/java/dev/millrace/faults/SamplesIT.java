package dev.millrace.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.millrace.sandbox.LoopbackPort;
import dev.millrace.sandbox.SandboxPostgres;
import dev.millrace.sandbox.SandboxSettings;
import dev.millrace.testing.JavaCommand;
import dev.millrace.testing.TestFolders;
import dev.millrace.testing.Waits;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/// Migrates sample databases unchanged and reshaped during writes. `-Dsamples=FOLDER` names the
/// folder with `pagila.sql` and `chinook.sql`; `psql` loads them.
@EnabledIfSystemProperty(named = "samples", matches = ".+", disabledReason = "-Dsamples is not set")
class SamplesIT {

    private static final Logger LOG = LoggerFactory.getLogger(SamplesIT.class);
    private static final String LOCALE = "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'";

    private static final List<String> PAGILA_WORK =
            List.of(
                    "UPDATE customer SET email = 'E' || md5(random()::text) || '@Example.org'"
                            + " WHERE customer_id = 1 + (random() * 598)::int",
                    "UPDATE customer SET activebool = NOT activebool WHERE customer_id = 1 +"
                            + " (random() * 598)::int",
                    "INSERT INTO payment (customer_id, staff_id, rental_id, amount, payment_date)"
                            + " SELECT customer_id, staff_id, rental_id, 3.50, '2022-03-15' FROM"
                            + " rental ORDER BY random() LIMIT 3",
                    "UPDATE payment SET payment_date = '2022-05-05' WHERE payment_id ="
                            + " (SELECT payment_id FROM payment WHERE payment_date ="
                            + " '2022-03-15' LIMIT 1)",
                    "DELETE FROM payment WHERE payment_id = (SELECT max(payment_id) FROM payment)",
                    "UPDATE film SET rental_rate = round((random() * 9)::numeric, 2) WHERE"
                            + " film_id = 1 + (random() * 999)::int",
                    "UPDATE film SET length = CASE WHEN length IS NULL THEN 90 END WHERE film_id"
                            + " = 1 + (random() * 999)::int",
                    "UPDATE rental SET return_date = now() WHERE rental_id = 1 + (random() *"
                            + " 16000)::int",
                    "INSERT INTO category (name) VALUES ('New')",
                    "DELETE FROM category WHERE category_id = (SELECT max(category_id) FROM"
                            + " category WHERE name = 'New')");

    private static final List<String> CHINOOK_WORK =
            List.of(
                    "UPDATE \"Track\" SET \"UnitPrice\" = round((random() * 9)::numeric, 2)"
                            + " WHERE \"TrackId\" = 1 + (random() * 3500)::int",
                    "UPDATE \"Customer\" SET \"Company\" = CASE WHEN random() < 0.5 THEN 'C' ||"
                            + " random() END WHERE \"CustomerId\" = 1 + (random() * 58)::int",
                    "INSERT INTO \"Genre\" VALUES ((SELECT max(\"GenreId\") + 1 FROM \"Genre\"),"
                            + " 'Genre')",
                    "DELETE FROM \"PlaylistTrack\" WHERE ctid = (SELECT ctid FROM"
                            + " \"PlaylistTrack\" LIMIT 1)",
                    "UPDATE \"Invoice\" SET \"Total\" = \"Total\" + 1 WHERE \"InvoiceId\" = 1 +"
                            + " (random() * 400)::int");

    @Test
    void pagilaUnchanged() throws Exception {
        copied(
                "pagila",
                PAGILA_WORK,
                List.of(
                        "UPDATE actor SET last_name = 'PLANTED' WHERE actor_id = 1",
                        "DELETE FROM city WHERE city_id = 5",
                        "INSERT INTO language (language_id, name) VALUES (99, 'Planted')"));
    }

    @Test
    void chinookUnchanged() throws Exception {
        copied(
                "chinook",
                CHINOOK_WORK,
                List.of(
                        "UPDATE \"Album\" SET \"Title\" = 'PLANTED' WHERE \"AlbumId\" = 1",
                        "DELETE FROM \"Employee\" WHERE \"EmployeeId\" = 5",
                        "INSERT INTO \"MediaType\" VALUES (99, 'Planted')"));
    }

    @Test
    void pagilaReshaped() throws Exception {
        reshaped(
                "pagila",
                PAGILA_WORK,
                """
                CREATE SCHEMA crm; CREATE SCHEMA catalog; CREATE SCHEMA billing;
                CREATE TABLE crm.client (id bigint PRIMARY KEY, full_name text NOT NULL, email text, active boolean NOT NULL);
                CREATE TABLE crm.client_place (client_id int PRIMARY KEY, address_id int NOT NULL, kind text NOT NULL);
                CREATE TABLE catalog.title (id int PRIMARY KEY, title text, rate_cents bigint, letters int, fulltext tsvector, special_features text[]);
                CREATE TABLE billing.paid (payment_date timestamptz, payment_id int, amount numeric(5,2), size text NOT NULL,
                    PRIMARY KEY (payment_date, payment_id));
                """,
                """
                tables:
                  crm.client: SELECT customer_id AS id, first_name || ' ' || last_name AS full_name, lower(email) AS email, activebool AS active FROM public.customer WHERE activebool
                  crm.client_place: SELECT customer_id AS client_id, address_id, 'home' AS kind FROM public.customer
                  catalog.title: SELECT film_id AS id, title, CAST(rental_rate * 100 AS bigint) AS rate_cents, length(title) AS letters, fulltext, special_features FROM public.film WHERE length IS NOT NULL
                  billing.paid: SELECT payment_date, payment_id, amount, CASE WHEN amount > 5 THEN 'large' ELSE 'small' END AS size FROM public.payment
                """);
    }

    @Test
    void chinookReshaped() throws Exception {
        reshaped(
                "chinook",
                CHINOOK_WORK,
                """
                CREATE SCHEMA music; CREATE SCHEMA sales;
                CREATE TABLE music.track (id int PRIMARY KEY, title text NOT NULL, seconds int, cents int, composer text NOT NULL);
                CREATE TABLE music.track_size (track_id bigint PRIMARY KEY, bytes bigint);
                CREATE TABLE sales.company (id int PRIMARY KEY, name text NOT NULL, mail text);
                """,
                """
                tables:
                  music.track: SELECT "TrackId" AS id, "Name" AS title, "Milliseconds" / 1000 AS seconds, CAST("UnitPrice" * 100 AS int) AS cents, COALESCE("Composer", 'unknown') AS composer FROM public."Track"
                  music.track_size: SELECT "TrackId" AS track_id, "Bytes" AS bytes FROM public."Track" WHERE "Bytes" > 5000000
                  sales.company: SELECT "CustomerId" AS id, upper("Company") AS name, "Email" AS mail FROM public."Customer" WHERE "Company" IS NOT NULL
                """);
    }

    private static void copied(String sample, List<String> work, List<String> planted)
            throws Exception {
        try (Servers servers = Servers.load(sample, true);
                Writer writer = new Writer(servers.source, sample, work);
                ServiceProcess service =
                        servers.start(sample, "tables:\n  public.*: SELECT * FROM public.*\n")) {
            JsonNode equal = verdict(service, writer);
            assertThat(equal.path("verdict").stringValue(""))
                    .as(equal.toPrettyString())
                    .isEqualTo("equal");

            servers.onTarget(sample, planted);
            JsonNode different = service.reconcile();

            assertThat(different.path("verdict").stringValue("")).isEqualTo("different");
            List<String> kinds =
                    StreamSupport.stream(different.path("tables").spliterator(), false)
                            .flatMap(
                                    table ->
                                            StreamSupport.stream(
                                                            table.path("mismatches").spliterator(),
                                                            false)
                                                    .map(
                                                            mismatch ->
                                                                    table.path("target")
                                                                                    .stringValue("")
                                                                            + " "
                                                                            + mismatch.path("kind")
                                                                                    .stringValue("")
                                                                            + " "
                                                                            + mismatch.path("key")))
                            .toList();
            LOG.info("planted and found: {}", kinds);
            assertThat(kinds).hasSize(planted.size());
            assertThat(kinds).anyMatch(found -> found.contains(" different "));
            assertThat(kinds).anyMatch(found -> found.contains(" missing "));
            assertThat(kinds).anyMatch(found -> found.contains(" extra "));
            assertThat(servers.command("reconcile", "--url", "http://127.0.0.1:" + servers.port))
                    .isEqualTo(4);
        }
    }

    private static void reshaped(String sample, List<String> work, String ddl, String tables)
            throws Exception {
        try (Servers servers = Servers.load(sample, false)) {
            servers.onTarget(sample, List.of(ddl));
            try (Writer writer = new Writer(servers.source, sample, work);
                    ServiceProcess service = servers.start(sample, tables)) {
                JsonNode report = verdict(service, writer);
                assertThat(report.path("verdict").stringValue(""))
                        .as(report.toPrettyString())
                        .isEqualTo("equal");
            }
        }
    }

    private static JsonNode verdict(ServiceProcess service, Writer writer) throws Exception {
        service.awaitPhase("IN_SYNC", Waits.LIMIT);
        long before = writer.statements();
        JsonNode report = service.reconcile();
        long during = writer.statements() - before;
        LOG.info(
                "{} tables, {} rows, {} statements written meanwhile: {}",
                report.path("tables").size(),
                StreamSupport.stream(report.path("tables").spliterator(), false)
                        .mapToLong(table -> table.path("sourceRows").longValue(0))
                        .sum(),
                during,
                report.path("verdict"));
        assertThat(during).as("the writer wrote during the comparison").isPositive();
        return report;
    }

    /// Two servers with the sample database and the processes of the test.
    private static final class Servers implements AutoCloseable {

        private final Path folder = TestFolders.create("samples");
        private final int port = LoopbackPort.free();
        private final SandboxPostgres source;
        private final SandboxPostgres target;

        private Servers() {
            SandboxSettings settings = SandboxSettings.durable(TestFolders.postgresBinaries());
            source = SandboxPostgres.start(folder.resolve("source"), settings);
            target = SandboxPostgres.start(folder.resolve("target"), settings);
        }

        static Servers load(String sample, boolean targetToo) throws Exception {
            Servers servers = new Servers();
            servers.source.createDatabase(sample, LOCALE);
            servers.target.createDatabase(sample, LOCALE);
            servers.psql(servers.source, sample);
            if (targetToo) {
                servers.psql(servers.target, sample);
                servers.onTarget(
                        sample,
                        List.of(
                                "DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM"
                                        + " pg_class WHERE relnamespace = 'public'::regnamespace"
                                        + " AND relkind IN ('r', 'p') LOOP EXECUTE 'TRUNCATE '"
                                        + " || t || ' CASCADE'; END LOOP; END $$"));
            }
            return servers;
        }

        void onTarget(String database, List<String> statements) throws Exception {
            try (Connection connection = target.connect(database);
                    Statement statement = connection.createStatement()) {
                statement.execute("SET session_replication_role = replica");
                for (String sql : statements) {
                    statement.execute(sql);
                }
            }
        }

        private void psql(SandboxPostgres server, String sample) throws Exception {
            Path dump = Path.of(System.getProperty("samples"), sample + ".sql");
            assumeTrue(Files.exists(dump), dump + " not found");
            ProcessBuilder psql =
                    new ProcessBuilder(
                                    "psql",
                                    "-q",
                                    "-h",
                                    "127.0.0.1",
                                    "-p",
                                    Integer.toString(server.port()),
                                    "-U",
                                    server.username(),
                                    "-d",
                                    sample,
                                    "-f",
                                    dump.toString())
                            .redirectErrorStream(true)
                            .redirectOutput(folder.resolve("psql.log").toFile());
            psql.environment().putAll(Map.of("PGPASSWORD", server.password()));
            assertThat(psql.start().waitFor()).isZero();
        }

        ServiceProcess start(String sample, String tables) throws Exception {
            Path spec = folder.resolve("millrace.yaml");
            Files.writeString(
                    spec,
                    "migration: "
                            + sample
                            + "\n"
                            + endpoint("source", source, sample)
                            + endpoint("target", target, sample)
                            + "data-dir: '"
                            + folder.resolve("data")
                            + "'\n"
                            + tables);
            return ServiceProcess.start(spec, port);
        }

        int command(String... arguments) throws Exception {
            return new ProcessBuilder(JavaCommand.of().main("dev.millrace.app.Main", arguments))
                    .inheritIO()
                    .start()
                    .waitFor();
        }

        private static String endpoint(String side, SandboxPostgres server, String database) {
            return "%s:\n  url: %s\n  username: %s\n  password-file: '%s'\n"
                    .formatted(
                            side,
                            server.jdbcUrl(database),
                            server.username(),
                            server.passwordFile());
        }

        @Override
        public void close() {
            target.close();
            source.close();
        }
    }
}
