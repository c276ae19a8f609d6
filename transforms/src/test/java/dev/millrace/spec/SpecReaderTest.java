package dev.millrace.spec;

import static dev.millrace.spec.SpecTexts.HEAD;
import static dev.millrace.spec.SpecTexts.VALID;
import static dev.millrace.spec.SpecTexts.problems;
import static dev.millrace.spec.SpecTexts.valid;
import static dev.millrace.spec.SpecTexts.withSource;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.TableId;
import dev.millrace.problem.Position;
import dev.millrace.spec.MigrationSpec.Backfill;
import dev.millrace.spec.MigrationSpec.IndexSetting;
import dev.millrace.spec.MigrationSpec.Indexes;
import dev.millrace.spec.MigrationSpec.Kafka;
import dev.millrace.spec.MigrationSpec.TableEntry;
import dev.millrace.spec.source.SchemaChange;
import dev.millrace.spec.source.SchemaChange.Kind;
import dev.millrace.spec.source.SchemaChange.Policy;
import dev.millrace.spec.source.TruncateSetting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The file as a whole: what is read of it, and what is told of one that can't be.
class SpecReaderTest {

    @Test
    void refusesAnUnknownWayOfReadingExistingRows() {
        assertThat(problems(VALID + "backfill: snapshot\n"))
                .singleElement()
                .asString()
                .contains("backfill: must be windows or engine");
    }

    @Test
    void refusesAnUnknownSettingOfIndexesAndOneOfAWildcard() {
        assertThat(problems(VALID + "indexes: drop\n"))
                .singleElement()
                .asString()
                .contains("indexes: must be keep or after-backfill");
        assertThat(problems(HEAD + "tables:\n  a.*: {select: SELECT * FROM b.*, indexes: keep}\n"))
                .singleElement()
                .asString()
                .contains("cannot be set for a wildcard");
    }

    @Test
    void readsWhatATruncateDoes() {
        MigrationSpec spec =
                valid(
                                VALID.replace(
                                                "tables:\n",
                                                "tables:\n  a.b: {select: 'SELECT id FROM c.d', truncate:"
                                                        + " apply}\n")
                                        + "truncate: refuse\n",
                                Map.of())
                        .spec();

        assertThat(spec.truncate().refuses(new TableId("a", "b"))).isFalse();
        assertThat(spec.truncate().refuses(new TableId("a", "c"))).isTrue();
    }

    @Test
    void refusesAnUnknownSettingOfTruncateAndOneOfAWildcard() {
        assertThat(problems(VALID + "truncate: ignore\n"))
                .singleElement()
                .asString()
                .contains("truncate: must be apply or refuse");
        assertThat(
                        problems(
                                HEAD
                                        + "tables:\n  a.*: {select: SELECT * FROM b.*, truncate:"
                                        + " refuse}\n"))
                .singleElement()
                .asString()
                .contains("truncate: cannot be set for a wildcard");
    }

    @Test
    void readsWhatAChangeOfTheDefinitionDoes() {
        MigrationSpec spec =
                valid(
                                VALID.replace(
                                                "tables:\n",
                                                "tables:\n  a.b: {select: 'SELECT id FROM c.d',"
                                                        + " schema-change: {detach-partition:"
                                                        + " apply}}\n")
                                        + "schema-change: {attach-partition: pause,"
                                        + " detach-partition: pause, drop-column: pause}\n",
                                Map.of())
                        .spec();
        TableId own = new TableId("a", "b");

        assertThat(spec.schemaChange().of(own, Kind.ATTACH_PARTITION)).isEqualTo(Policy.PAUSE);
        assertThat(spec.schemaChange().of(own, Kind.DETACH_PARTITION)).isEqualTo(Policy.APPLY);
        assertThat(spec.schemaChange().of(new TableId("a", "c"), Kind.DETACH_PARTITION))
                .isEqualTo(Policy.PAUSE);
        assertThat(spec.schemaChange().of(own, Kind.ADD_COLUMN)).isEqualTo(Policy.IGNORE);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    add-column: apply | schema-change["add-column"]: add-column must be ignore: No mapping reads the column
                    drop-column: ignore | schema-change["drop-column"]: drop-column must be pause: Without the column
                    rename-column: apply | rename-column must be pause
                    retype-column: apply | retype-column must be pause
                    rename-table: ignore | rename-table must be pause
                    add-enum-label: apply | add-enum-label must be pause
                    attach-partition: ignore | attach-partition must be apply or pause
                    detach-partition: fail | detach-partition must be apply or pause
                    drop-table: pause | is no kind of schema change
                    """)
    void refusesAPolicyThatCannotBeFollowed(String line, String problem) {
        assertThat(problems(VALID + "schema-change: {" + line + "}\n"))
                .singleElement()
                .asString()
                .contains(problem);
    }

    @Test
    void refusesPoliciesOfAWildcard() {
        assertThat(
                        problems(
                                HEAD
                                        + "tables:\n  a.*: {select: SELECT * FROM b.*,"
                                        + " schema-change: {attach-partition: pause}}\n"))
                .singleElement()
                .asString()
                .contains("cannot be set for a wildcard");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1", "many", "1000000000"})
    void refusesALimitThatIsNoNumberOfKeys(String limit) {
        assertThat(problems(VALID + "rejected-limit: " + limit + "\n"))
                .singleElement()
                .asString()
                .contains("rejected-limit: must be an integer from 1 to 999999999");
    }

    @Test
    void refusesALimitOfAWildcard() {
        assertThat(
                        problems(
                                HEAD
                                        + "tables:\n  a.*: {select: SELECT * FROM b.*,"
                                        + " rejected-limit: 5}\n"))
                .singleElement()
                .asString()
                .contains("rejected-limit: cannot be set for a wildcard");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '"',
            value = {
                "{select: 'SELECT a FROM b.c', sensitive: []}; name a column",
                "{select: 'SELECT a FROM b.c', sensitive: ['']}; is empty",
                "{select: 'SELECT a FROM b.c', sensitive: [a, a]}; name each column once"
            })
    void refusesAListOfSensitiveColumnsThatHidesNone(String entry, String problem) {
        assertThat(problems(HEAD + "tables:\n  a.b: " + entry + "\n"))
                .singleElement()
                .asString()
                .contains("sensitive", problem);
    }

    @Test
    void refusesSensitiveColumnsOfAWildcard() {
        assertThat(
                        problems(
                                HEAD
                                        + "tables:\n  a.*: {select: SELECT * FROM b.*,"
                                        + " sensitive: [email]}\n"))
                .singleElement()
                .asString()
                .contains("sensitive", "cannot be set for a wildcard");
    }

    @Test
    void readsEveryKey() {
        String file =
                """
                migration: shop                        # names everything
                source:
                  url: jdbc:postgresql://${HOST:localhost}:5432/shop
                  username: millrace
                  password: ${SOURCE_PASSWORD}
                target:
                  url: jdbc:postgresql://localhost:5433/crm
                  username: millrace
                kafka:
                  bootstrap-servers: localhost:9092
                  partitions: 6
                  retention: 12h
                  properties:
                    security.protocol: SSL
                data-dir: /var/lib/millrace
                tables:
                  crm.customer: SELECT id, lower(email) AS email FROM public.users WHERE deleted_at IS NULL
                  catalog.product: SELECT id, CAST(price * 100 AS bigint) AS p FROM public.product   # one source table,
                  inventory.stock: SELECT id AS product_id FROM public.product                       # split in two
                  crm.note: {select: 'SELECT a, b FROM public.note', key: [a, b], indexes: keep, rejected-limit: 7, truncate: refuse, sensitive: [b]}
                  public.*: SELECT * FROM "Old".*     # all the rest
                  docs.item: |                         # a block
                    SELECT id, ' # ' || title AS title FROM public.item
                debezium:
                  max.batch.size: 4096
                backfill: engine
                indexes: after-backfill
                rejected-limit: 100
                truncate: apply
                """;

        MigrationSpec spec = valid(file, Map.of("SOURCE_PASSWORD", "hunter2")).spec();

        assertThat(spec.migration()).isEqualTo("shop");
        assertThat(spec.source().url()).isEqualTo("jdbc:postgresql://localhost:5432/shop");
        assertThat(spec.source().password().reveal()).isEqualTo("hunter2");
        assertThat(spec.target().password()).isEqualTo(Secret.NONE);
        assertThat(spec.kafka())
                .isEqualTo(
                        new Kafka.External(
                                "localhost:9092",
                                6,
                                Duration.ofHours(12),
                                Map.of("security.protocol", "SSL"),
                                Optional.empty()));
        assertThat(spec.dataDir()).isEqualTo(Path.of("/var/lib/millrace"));
        assertThat(spec.debezium()).isEqualTo(Map.of("max.batch.size", "4096"));
        assertThat(spec.backfill()).isEqualTo(Backfill.ENGINE);
        assertThat(spec.indexes().of(new TableId("crm", "note"))).isEqualTo(Indexes.KEEP);
        assertThat(spec.rejectedLimit())
                .isEqualTo(
                        new MigrationSpec.RejectedLimit(
                                100, Map.of(new TableId("crm", "note"), 7L)));
        assertThat(spec.indexes().of(new TableId("public", "x"))).isEqualTo(Indexes.AFTER_BACKFILL);
        assertThat(spec.truncate().refuses(new TableId("crm", "note"))).isTrue();
        assertThat(spec.truncate().refuses(new TableId("public", "x"))).isFalse();
        assertThat(spec.sensitive().tables())
                .isEqualTo(Map.of(new TableId("crm", "note"), Set.of("b")));
        assertThat(spec.tables()).hasSize(6);
        assertThat(spec.tables().get(1))
                .isInstanceOfSatisfying(
                        TableEntry.Select.class,
                        select ->
                                assertThat(select.text().text())
                                        .isEqualTo(
                                                "SELECT id, CAST(price * 100 AS bigint) AS p"
                                                        + " FROM public.product"));
        assertThat(spec.tables().get(3))
                .isInstanceOfSatisfying(
                        TableEntry.Select.class,
                        select -> {
                            assertThat(select.target()).isEqualTo(new TableId("crm", "note"));
                            assertThat(select.key()).containsExactly("a", "b");
                            assertThat(select.at()).isEqualTo(new Position("m.yaml", 20, 3));
                            assertThat(select.text().at(0))
                                    .isEqualTo(new Position("m.yaml", 20, 23));
                        });
        assertThat(spec.tables().get(4))
                .isEqualTo(new TableEntry.Wildcard("public", "Old", new Position("m.yaml", 21, 3)));
        assertThat(spec.tables().get(5))
                .isInstanceOfSatisfying(
                        TableEntry.Select.class,
                        select ->
                                assertThat(select.text().text())
                                        .isEqualTo(
                                                "SELECT id, ' # ' || title AS title FROM"
                                                        + " public.item\n"));
    }

    @Test
    void usesDefaultsForMissingKeys() {
        MigrationSpec spec = valid(VALID, Map.of()).spec();

        assertThat(spec.kafka()).isEqualTo(new Kafka.Embedded(4, Duration.ofDays(7)));
        assertThat(spec.dataDir()).isEqualTo(Path.of("millrace-data").toAbsolutePath());
        assertThat(spec.debezium()).isEmpty();
        assertThat(spec.backfill()).isEqualTo(Backfill.WINDOWS);
        assertThat(spec.indexes()).isEqualTo(IndexSetting.KEEP);
        assertThat(spec.rejectedLimit()).isEqualTo(MigrationSpec.RejectedLimit.STANDARD);
        assertThat(spec.truncate()).isEqualTo(TruncateSetting.STANDARD);
        assertThat(spec.schemaChange()).isEqualTo(SchemaChange.Setting.STANDARD);
    }

    @Test
    void substitutesEnvironmentInAnyScalar() {
        String file =
                HEAD
                        + "tables:\n  ${SCHEMA}.t: SELECT '$${x}' AS a, ${COLUMN:id} FROM"
                        + " public.t\n";

        MigrationSpec spec = valid(file, Map.of("SCHEMA", "crm")).spec();

        assertThat(spec.tables().getFirst())
                .isInstanceOfSatisfying(
                        TableEntry.Select.class,
                        select -> {
                            assertThat(select.target()).isEqualTo(new TableId("crm", "t"));
                            assertThat(select.text().text())
                                    .isEqualTo("SELECT '${x}' AS a, id FROM public.t");
                            assertThat(
                                            select.text()
                                                    .at(select.text().text().indexOf("id"))
                                                    .column())
                                    .isEqualTo(37);
                            assertThat(
                                            select.text()
                                                    .at(select.text().text().indexOf("FROM"))
                                                    .column())
                                    .isEqualTo(50);
                        });
    }

    @Test
    void reportsAllProblemsAtOnceInFileOrder() {
        String file =
                """
                migratoin: shop
                source:
                  url: jdbc:mysql://localhost/shop
                  pasword: hunter2
                target:
                  url: jdbc:postgresql://localhost/crm
                  username: millrace
                kafka:
                  partitions: many
                tables:
                  customer: SELECT id FROM public.users
                  crm.customer:
                    select: SELECT id FROM public.users
                    key: [id, [x], id]
                """;

        assertThat(problems(file))
                .containsExactly(
                        "m.yaml:1:1: migratoin: unknown key (did you mean migration?)",
                        "m.yaml:1:1: migration: is missing (it must be text)",
                        "m.yaml:3:3: source.username: is missing (it must be text)",
                        "m.yaml:3:8: source.url: must begin with jdbc:postgresql:// and be a"
                                + " single line (write jdbc:postgresql://host:port/database)",
                        "m.yaml:4:3: source.pasword: unknown key (did you mean password?)",
                        "m.yaml:9:15: kafka.partitions: must be an integer from 1 to 1024",
                        "m.yaml:11:3: tables[\"customer\"]: has no schema (write public.customer)",
                        "m.yaml:14:15: tables[\"crm.customer\"].key[1]: must be text",
                        "m.yaml:14:20: tables[\"crm.customer\"].key[2]: repeats id (name each"
                                + " column once)");
    }

    @Test
    void reportsProblemsOfSelectsWithTheProblemsOfTheFile() {
        String file =
                """
                migration: shop
                source: {url: 'jdbc:postgresql://localhost/shop', username: millrace}
                target: {url: 'jdbc:postgresql://localhost/crm', username: millrace}
                kafka: {partitions: many}
                tables:
                  customer: SELECT count(*) FROM public.users
                  crm.person: |
                    SELECT id, a + 1
                      FROM public.users
                """;

        assertThat(problems(file))
                .containsExactly(
                        "m.yaml:4:21: kafka.partitions: must be an integer from 1 to 1024",
                        "m.yaml:6:3: tables[\"customer\"]: has no schema (write public.customer)",
                        "m.yaml:6:20: tables[\"customer\"]: the function count is not supported"
                                + " (remove it; each target row comes from one source row)",
                        "m.yaml:8:16: tables[\"crm.person\"]: this column has no name (add AS and"
                                + " the name of a target column)");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "jdbc:postgresql://localhost/shop",
                "jdbc:postgresql://a,b:5433/shop?targetServerType=primary",
                "jdbc:postgresql://a,b:5433/shop",
                "jdbc:postgresql://[::1]:5432/shop",
                "jdbc:postgresql://a/shop%2Beu",
                "jdbc:postgresql://a/shop+eu%20%25%2F",
                "jdbc:postgresql://a/s?sslmode=verify-full&sslrootcert=%2Fca.pem&options=-c%20x=1",
                "jdbc:postgresql://a/s?socketTimeout=9&loginTimeout=9&currentSchema=x"
            })
    void acceptsEveryUrlThatTheDriverAccepts(String url) {
        assertThat(
                        valid(VALID.replace("jdbc:postgresql://localhost:5432/shop", url), Map.of())
                                .spec()
                                .source()
                                .url())
                .isEqualTo(url);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "jdbc:postgresql:shop | must begin with",
                "jdbc:postgresql:///shop | has no valid host or port",
                "jdbc:postgresql://a,/shop | has no valid host or port",
                "jdbc:postgresql://a/b/c | has a slash in the database's name (write %2F",
                "jdbc:postgresql://a/50%_off | has a % that does not begin an escape (write %25",
                "jdbc:postgresql://a/s?options=100% | has a % that does not begin an escape"
                        + " (write %25",
                "jdbc:postgresql://a,b/s?targetServerType=secondary | selects a standby",
                "jdbc:postgresql://a/s?ssl=true&readOnly=true | sets readOnly, but",
                "jdbc:postgresql://a/s?replication=database | sets replication, but",
                "jdbc:postgresql://a/s?service=x | sets service, but a service file"
            })
    void refusesInvalidUrls(String url, String problem) {
        assertThat(problems(VALID.replace("jdbc:postgresql://localhost:5432/shop", url)))
                .singleElement()
                .asString()
                .startsWith("m.yaml:3:8: source.url: " + problem);
    }

    @Test
    void refusesDuplicateKeys() {
        assertThat(problems(VALID + "migration: other\n"))
                .containsExactly(
                        "m.yaml:10:1: migration: is set twice; the first is in line 1 (keep one"
                                + " of them)");
        assertThat(problems(VALID + "  crm.customer: SELECT 1\n"))
                .singleElement()
                .asString()
                .startsWith("m.yaml:10:3: tables.crm.customer: is set twice; the first is in");
        assertThat(problems(VALID + "  '\"crm\".customer': SELECT id FROM t\n"))
                .singleElement()
                .asString()
                .contains("is declared twice; the first is in line 9");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "migration: Shop => migration: 'Shop' cannot name",
                "migration: _shop => cannot name",
                "migration: a123456789012345678901234567890x => cannot name",
                "migration: => migration: has no value",
                "migration: [a] => migration: must be text",
                "migration: ${NOPE} => the environment variable NOPE is not set",
                "migration: ${NOPE => '${' is not closed",
                "migration: ${NO PE} => does not contain the name of an environment variable",
                "migration: !x shop => has a tag",
                "migration: *shop => an alias (*…) does not name an anchor"
            })
    void refusesInvalidMigrationNames(String claim) {
        String line = claim.split(" => ")[0];
        String message = claim.split(" => ")[1];

        assertThat(problems(VALID.replace("migration: shop", line)))
                .anySatisfy(problem -> assertThat(problem).contains(message));
    }

    @Test
    void resolvesRelativePathsAgainstTheFolderOfTheFile(@TempDir Path folder) throws IOException {
        Path inside = Files.createDirectory(folder.resolve("a b"));
        Files.writeString(inside.resolve("password"), "hunter2\n");
        Path file = inside.resolve("millrace.yaml");
        Files.writeString(
                file,
                withSource("password-file: ./password")
                                .replace(
                                        "5432/shop",
                                        "5432/shop?sslrootcert=tls/root%20ca.pem&sslmode=verify-full")
                                .replace("5433/crm", "5433/crm?sslkey=/etc/key&sslcert=")
                        + """
                        kafka:
                          bootstrap-servers: a:1
                          properties: {ssl.truststore.location: trust.p12, ssl.truststore.type: PKCS12}
                        data-dir: ./data/here
                        """);

        MigrationSpec spec = read(file);

        assertThat(spec.dataDir()).isEqualTo(inside.resolve("data/here"));
        assertThat(spec.source().password().reveal()).isEqualTo("hunter2");
        assertThat(spec.source().url())
                .endsWith(
                        "/shop?sslrootcert="
                                + inside.resolve("tls/root ca.pem").toString().replace(" ", "%20")
                                + "&sslmode=verify-full");
        assertThat(spec.target().url()).endsWith("/crm?sslkey=/etc/key&sslcert=");
        assertThat(spec.kafka())
                .isEqualTo(
                        new Kafka.External(
                                "a:1",
                                4,
                                Kafka.DEFAULT_RETENTION,
                                Map.of(
                                        "ssl.truststore.location",
                                        inside.resolve("trust.p12").toString(),
                                        "ssl.truststore.type",
                                        "PKCS12"),
                                Optional.empty()));

        Files.writeString(file, VALID);
        assertThat(read(file).dataDir()).isEqualTo(inside.resolve("millrace-data"));
    }

    @Test
    void theUserOfAClusterLogsInWithTlsAndScramUnlessPropertiesSayOtherwise() {
        String file =
                VALID
                        + """
                        kafka:
                          bootstrap-servers: a:1
                          username: millrace
                          password: hunter2
                          properties: {sasl.mechanism: PLAIN}
                        """;

        assertThat(valid(file, Map.of()).spec().kafka())
                .isInstanceOfSatisfying(
                        Kafka.External.class,
                        kafka -> {
                            assertThat(kafka.properties())
                                    .isEqualTo(
                                            Map.of(
                                                    "security.protocol",
                                                    "SASL_SSL",
                                                    "sasl.mechanism",
                                                    "PLAIN"));
                            assertThat(kafka.login().orElseThrow())
                                    .isEqualTo(
                                            new MigrationSpec.Login(
                                                    "millrace", Secret.of("hunter2")));
                        });
    }

    private static MigrationSpec read(Path file) {
        return switch (SpecReader.read(file, Map.of())) {
            case SpecResult.Valid valid -> valid.spec();
            case SpecResult.Invalid invalid -> throw new AssertionError(invalid.problems());
        };
    }

    @Test
    void refusesUnreadableFiles(@TempDir Path folder) throws IOException {
        Path binary = Files.write(folder.resolve("b.yaml"), new byte[] {(byte) 0xff});

        assertThat(SpecReader.read(folder.resolve("none.yaml"), Map.of()).toString())
                .contains("there is no such file");
        assertThat(SpecReader.read(folder, Map.of()).toString()).contains("is a directory");
        assertThat(SpecReader.read(binary, Map.of()).toString()).contains("is not UTF-8");
        assertThat(problems(""))
                .containsExactly("m.yaml:1:1: the file is empty (start with 'migration: name')");
        assertThat(problems("a: 1\n---\nb: 2\n")).singleElement().asString().contains("m.yaml:2:1");
        assertThat(problems("a: \u0007\n")).singleElement().asString().contains("U+0007");
        assertThat(problems("[".repeat(100_000))).singleElement().asString().contains("deep");
        assertThat(problems("a: &a {b: *a}\n")).isNotEmpty();
    }

    @Test
    void hashesOnlyTheMeaning() {
        String hash = valid(VALID, Map.of()).hash();

        assertThat(hash).matches("[0-9a-f]{64}");
        assertThat(valid("# a comment\n" + withSource("password: x"), Map.of()).hash())
                .isEqualTo(hash);
        assertThat(valid(VALID.replace("localhost:5432", "other"), Map.of()).hash())
                .isEqualTo(hash);
        assertThat(valid(VALID.replace("SELECT id", "SELECT  id"), Map.of()).hash())
                .isNotEqualTo(hash);
        assertThat(valid(VALID.replace("crm.customer", "crm.person"), Map.of()).hash())
                .isNotEqualTo(hash);
        assertThat(valid(VALID.replace("shop\n", "shop2\n"), Map.of()).hash()).isNotEqualTo(hash);
        assertThat(valid(VALID + "switchover: {timeout: 10s}\n", Map.of()).hash()).isEqualTo(hash);
    }
}
