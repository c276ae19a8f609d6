package dev.millrace.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.change.ChangeEvent;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.Topics;
import dev.millrace.digest.Chunker;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.grants.Grants.Side;
import dev.millrace.kafka.ChangeLog;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper;
import dev.millrace.reconcile.ReconcileContext.ReconcileLimits;
import dev.millrace.reconcile.ReconciliationReport.Mismatch;
import dev.millrace.reconcile.ReconciliationReport.Verdict;
import dev.millrace.reconcile.pass.Reconciler;
import dev.millrace.reconcile.touched.TouchedBasis;
import dev.millrace.reconcile.touched.TouchedReconciliation;
import dev.millrace.reconcile.touched.TouchedReconciliation.Limit;
import dev.millrace.reconcile.touched.TouchedReconciliation.Table;
import dev.millrace.reconcile.touched.TouchedReport;
import dev.millrace.sql.Relation;
import dev.millrace.sql.Relation.SqlType;
import dev.millrace.testing.KafkaServer;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Touched keys of several columns, whose texts differ between mapping and target.
class TouchedCompositeKeysIT {

    private static final TableId SALES = new TableId("public", "sales");
    private static final TableId TARGET = new TableId("public", "sale");
    private static final SqlType TEXT = type("text", "text");
    private static final SqlType BIGINT = type("int8", "bigint");

    private static final RowSchema SOURCE =
            RowSchema.keyed(SALES, List.of("region", "id", "note"), List.of("region", "id"));
    private static final RowSchema MAPPED =
            RowSchema.keyed(
                    TARGET, List.of("note", "number", "region"), List.of("region", "number"));

    private final TestDatabase source = PostgresServer.shared().newDatabase();
    private final TestDatabase target = PostgresServer.shared().newTarget();
    private final Login sourceReader;
    private final Login targetReader;
    private final Topics topics = new Topics(KafkaServer.newMigrationName());
    private final Mapping mapping =
            new Mapping(
                    SALES,
                    MAPPED,
                    List.of(TEXT, BIGINT, TEXT),
                    "SELECT note, id AS number, region FROM public.sales",
                    "",
                    new SalesMapper());
    private TouchedBasis basis = new TouchedBasis.Missing("nothing was compared");

    private static final class SalesMapper implements RowMapper {

        private static final RowSchema KEY =
                RowSchema.keyed(TARGET, List.of("region", "number"), List.of("region", "number"));

        @Override
        public MappedRow map(Row row) {
            return new MappedRow.Upsert(Row.of(MAPPED, row.text(2), row.text(1), row.text(0)));
        }

        @Override
        public boolean takesEveryRow() {
            return true;
        }

        @Override
        public Row key(Row row) {
            return Row.of(
                    KEY,
                    row.text(row.schema().position("region")),
                    row.text(row.schema().position("id")));
        }
    }

    private final TinyReplicationProgress progress;

    TouchedCompositeKeysIT() {
        source.execute(
                "CREATE TABLE sales (region text, id bigint, note text, PRIMARY KEY (id, region))",
                "INSERT INTO sales SELECT CASE i % 2 WHEN 0 THEN 'eu' ELSE 'us' END, i / 2, 'n'"
                        + " FROM generate_series(1, 100) i");
        target.execute(
                "CREATE TABLE sale (region text, number numeric(10,2), note text,"
                        + " PRIMARY KEY (region, number))",
                "INSERT INTO sale SELECT CASE i % 2 WHEN 0 THEN 'eu' ELSE 'us' END, i / 2, 'n'"
                        + " FROM generate_series(1, 100) i");
        sourceReader = GrantedLogins.reader(Side.SOURCE, source, "public.sales");
        targetReader = GrantedLogins.reader(Side.TARGET, target, "public.sale");
        progress = new TinyReplicationProgress(source, target, topics, mapping);
    }

    @BeforeEach
    void compareAllRows() {
        ReconciliationReport report =
                new Reconciler(
                                new Reconciler.Subject("m", "cafe", SensitiveColumns.NONE),
                                progress,
                                sources(),
                                ReconcileLimits.DEFAULT,
                                InstantSource.system())
                        .reconcile(List.of(mapping), new Cancellation());
        assertThat(report.verdict()).isEqualTo(Verdict.EQUAL);
        basis = TouchedBasis.of(report, "cafe");
    }

    @AfterEach
    void close() {
        progress.close();
    }

    @Test
    void changesOfRowsAndOfKeysAreEqual() {
        progress.write(
                "UPDATE sales SET note = 'x' WHERE region = 'eu' AND id = 7",
                Row.of(SOURCE, "eu", "7", "x"));
        changeKey();

        TouchedReport.Table table = finish();

        assertThat(table.report().verdict()).as(table.report().cause()).isEqualTo(Verdict.EQUAL);
        assertThat(table.keys()).as("the log and both sides name the same keys").isEqualTo(3);
    }

    @Test
    void namesLostChangesByTheKeyOfTheTarget() {
        progress.applyOnly(event -> !(event instanceof ChangeEvent.Delete));
        changeKey();
        progress.writeUnlogged("UPDATE sales SET note = 'x' WHERE region = 'us' AND id = 7");
        target.execute("UPDATE sale SET note = 'x' WHERE region = 'us' AND number = 9");

        assertThat(finish().report().mismatches())
                .extracting(Mismatch::key)
                .containsExactlyInAnyOrder(
                        Map.of("region", "eu", "number", "8.00"),
                        Map.of("region", "us", "number", "7.00"),
                        Map.of("region", "us", "number", "9.00"));
    }

    private void changeKey() {
        progress.write(
                "UPDATE sales SET id = 1000 WHERE region = 'eu' AND id = 8",
                origin ->
                        List.of(
                                new ChangeEvent.Delete(1, origin, Row.of(SOURCE, "eu", "8", null)),
                                new ChangeEvent.Insert(
                                        1, origin, Row.of(SOURCE, "eu", "1000", "n"))));
    }

    private TouchedReport.Table finish() {
        var fence = progress.emitWatermark().number();
        progress.awaitApplied(fence, new Cancellation());
        Relation sales =
                new Relation(
                        SALES,
                        List.of(column("region", TEXT), column("id", BIGINT)),
                        List.of("id", "region"));
        return new TouchedReconciliation(
                        new Reconciler.Subject("m", "cafe", SensitiveColumns.NONE),
                        progress,
                        sources(),
                        ReconcileLimits.DEFAULT,
                        InstantSource.system())
                .finish(
                        List.of(new Table(mapping, sales)),
                        basis,
                        fence,
                        new Limit(new Cancellation(), Instant.now().plusSeconds(60)))
                .tables()
                .getFirst();
    }

    private Reconciler.Sources sources() {
        return new Reconciler.Sources(
                new Chunker(
                        topics.migration(),
                        topics.target(),
                        () -> sourceReader.session("reconcile"),
                        () -> targetReader.session("reconcile")),
                new ChangeLog(
                        Map.of("bootstrap.servers", KafkaServer.shared().bootstrapServers()),
                        topics));
    }

    private static Relation.Column column(String name, SqlType type) {
        return new Relation.Column(name, type, true, false, Relation.Collation.NONE);
    }

    private static SqlType type(String name, String formatted) {
        return new SqlType("pg_catalog", name, formatted, -1, Optional.empty());
    }
}
