package dev.millrace.reconcile;

import static dev.millrace.reconcile.UserMapper.user;
import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.chunk.Chunker;
import dev.millrace.log.ChangeLog;
import dev.millrace.reconcile.ReconciliationReport.Kind;
import dev.millrace.reconcile.ReconciliationReport.Mismatch;
import dev.millrace.reconcile.ReconciliationReport.TableReport;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.select.Mapping;
import dev.millrace.streams.Topics;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// The verdict against real servers: what is planted is found, what is only under way isn't.
class ReconcilerIT {

    private static final int ROWS = 300;

    private final TestDatabase source = PostgresServer.shared().newDatabase();
    private final TestDatabase target = PostgresServer.shared().newDatabase();
    private final Topics topics = new Topics(KafkaServer.shared().newMigrationName());
    private final Mapping mapping = UserMapper.mapping();
    private ReconcileLimits limits = new ReconcileLimits(Duration.ofSeconds(60), 3);
    private TinyRoad road;

    @BeforeEach
    void aMigratedTable() {
        source.execute(UserMapper.SOURCE_TABLE);
        target.execute(
                "CREATE SCHEMA crm",
                "CREATE TABLE crm.customer (id int PRIMARY KEY, full_name text, amount numeric)");
        road = new TinyRoad(source, target, topics, mapping);
        fill();
    }

    private void fill() {
        source.execute(
                "INSERT INTO users SELECT i, 'name ' || i, i * 1.50, i % 10 = 0"
                        + " FROM generate_series(1, %d) i".formatted(ROWS));
        target.execute(
                "INSERT INTO crm.customer SELECT i, 'name ' || i, i * 1.50"
                        + " FROM generate_series(%d, 1, -1) i WHERE i %% 10 <> 0".formatted(ROWS));
    }

    @AfterEach
    void stop() {
        road.close();
    }

    private ReconciliationReport reconcile() {
        Map<String, Object> kafka =
                Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers());
        return new Reconciler(
                        new Reconciler.Subject(topics.migration(), "cafe"),
                        road,
                        new Reconciler.Sources(
                                new Chunker(
                                        topics.migration(),
                                        topics.target(),
                                        source::connect,
                                        target::connect),
                                new ChangeLog(kafka, topics)),
                        limits,
                        InstantSource.system())
                .reconcile(List.of(mapping));
    }

    private TableReport table() {
        return reconcile().tables().getFirst();
    }

    private void write(int id, String name, String amount) {
        road.write(
                "UPDATE users SET name = '%s', amount = %s WHERE id = %d"
                        .formatted(name, amount, id),
                user(id, name, amount));
    }

    @Test
    void equalTablesAreEqualWithEqualNumbers() {
        ReconciliationReport report = reconcile();

        TableReport table = report.tables().getFirst();
        assertThat(report.verdict()).isEqualTo(Verdict.EQUAL);
        assertThat(report.sourceLsn()).contains("/");
        assertThat(table.sourceRows()).isEqualTo(270).isEqualTo(table.targetRows());
        assertThat(table.sourceChecksum())
                .hasSize(32)
                .isNotEqualTo("0".repeat(32))
                .isEqualTo(table.targetChecksum());
        assertThat(table.mismatches()).isEmpty();
        assertThat(table.inFlight()).isZero();
    }

    static List<Arguments> plants() {
        return List.of(
                planted("a changed letter", "full_name = 'nbme 7' WHERE id = 7", "full_name"),
                planted("NULL", "full_name = NULL WHERE id = 7", "full_name"),
                planted("a trailing zero", "amount = 10.5 WHERE id = 7", "amount"),
                planted("a trailing blank", "full_name = 'name 7 ' WHERE id = 7", "full_name"),
                planted(
                        "both columns",
                        "full_name = 'name 8', amount = 12.00 WHERE id = 7",
                        "full_name",
                        "amount"));
    }

    private static Arguments planted(String name, String change, String... columns) {
        return Arguments.of(name, change, List.of(columns));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("plants")
    void aPlantedDifferenceIsReportedWithKeyAndColumns(
            String name, String change, List<String> columns) {
        target.execute("UPDATE crm.customer SET " + change);

        TableReport table = table();

        assertThat(table.verdict()).isEqualTo(Verdict.DIFFERENT);
        assertThat(table.mismatches())
                .singleElement()
                .satisfies(
                        mismatch -> {
                            assertThat(mismatch.key()).isEqualTo(Map.of("id", "7"));
                            assertThat(mismatch.kind()).isEqualTo(Kind.DIFFERENT);
                            assertThat(mismatch.columns()).isEqualTo(columns);
                        });
        assertThat(table.sourceChecksum()).isNotEqualTo(table.targetChecksum());
        assertThat(table.sourceRows()).isEqualTo(table.targetRows());
    }

    @Test
    void nullAndTheEmptyTextAreDifferent() {
        source.execute("UPDATE users SET name = '' WHERE id = 7");
        target.execute("UPDATE crm.customer SET full_name = NULL WHERE id = 7");

        assertThat(table().mismatches())
                .singleElement()
                .extracting(Mismatch::columns)
                .isEqualTo(List.of("full_name"));
    }

    @Test
    void twoRowsThatHaveSwappedTheirValuesAreBothReported() {
        target.execute(
                "UPDATE crm.customer SET full_name = 'name ' || (19 - id), amount = (19 - id) * 1.50"
                        + " WHERE id IN (7, 12)");

        assertThat(keys(table())).containsExactlyInAnyOrder("different 7", "different 12");
    }

    @Test
    void composedAndDecomposedLettersAreDifferent() {
        source.execute("UPDATE users SET name = U&'\\00e9' WHERE id = 7");
        target.execute("UPDATE crm.customer SET full_name = U&'e\\0301' WHERE id = 7");

        assertThat(keys(table())).containsExactly("different 7");
    }

    @Test
    void aMissingAndAnExtraRowAreReportedWithTheirKinds() {
        target.execute(
                "DELETE FROM crm.customer WHERE id = 8",
                "INSERT INTO crm.customer VALUES (-5, 'stranger', 0)",
                "INSERT INTO crm.customer VALUES (20, 'filtered away', 0)");

        TableReport table = table();

        assertThat(keys(table)).containsExactlyInAnyOrder("missing 8", "extra -5", "extra 20");
        assertThat(table.missing()).isEqualTo(1);
        assertThat(table.extra()).isEqualTo(2);
        assertThat(table.sourceRows()).isEqualTo(270);
        assertThat(table.targetRows()).isEqualTo(271);
    }

    private static List<String> keys(TableReport table) {
        return table.mismatches().stream()
                .map(
                        one ->
                                (one.kind() + " " + one.key().get("id"))
                                        .toLowerCase(java.util.Locale.ROOT))
                .toList();
    }
}
